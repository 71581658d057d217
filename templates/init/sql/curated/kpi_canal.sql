/*---
description: Los indicadores por canal. Es una vista, así que siempre está al día.
materialized: view
grain: [canal]
checks:
  - name: porcentaje_en_rango
    expression: tasa_resolucion BETWEEN 0 AND 100
columns:
  satisfaccion: Promedio de los tickets que tienen respuesta; NULL si ninguno la tiene.
  tasa_resolucion: Tickets resueltos / tickets × 100.
---*/
SELECT
    canal,
    count(*) AS tickets,
    round(avg(satisfaccion), 2) AS satisfaccion,
    round(CAST(count(*) FILTER (WHERE estado = 'resuelto') AS DOUBLE) * 100 / count(*), 1) AS tasa_resolucion
FROM processed.tickets
GROUP BY canal
ORDER BY satisfaccion DESC
