/*---
description: >-
  Cada asesor en todo el periodo, del mejor al peor por satisfacción ajustada. muestra_suficiente dice si tiene al menos
  10 tickets; quien tiene menos no se borra, pero su media propia dice poco.
materialized: view
grain: [asesor_id]
checks:
  - range: { satisfaccion: { min: 1, max: 5 } }
  - range: { satisfaccion_ajustada: { min: 1, max: 5 } }
columns:
  satisfaccion_ajustada: Como si tuviera además 10 tickets con la satisfacción media de todos.
---*/
WITH general AS (
    SELECT CAST(sum(suma_satisfaccion) AS DOUBLE) / sum(tickets) AS satisfaccion
    FROM curated.rendimiento_agente
),

sumas AS (
    SELECT
        asesor_id,
        CAST(sum(tickets) AS BIGINT) AS tickets,
        count(DISTINCT canal) AS canales,
        CAST(sum(suma_satisfaccion) AS DOUBLE) AS suma_satisfaccion,
        CAST(sum(resueltos) AS DOUBLE) AS resueltos,
        CAST(sum(con_cierre) AS DOUBLE) AS con_cierre,
        CAST(sum(suma_respuesta_min) AS DOUBLE) AS suma_respuesta_min,
        CAST(sum(con_respuesta) AS DOUBLE) AS con_respuesta
    FROM curated.rendimiento_agente
    GROUP BY asesor_id
)

SELECT
    asesor_id,
    tickets,
    canales,
    round(suma_satisfaccion / tickets, 6) AS satisfaccion,
    round((suma_satisfaccion + 10 * general.satisfaccion) / (tickets + 10), 6) AS satisfaccion_ajustada,
    round(resueltos * 100 / tickets, 6) AS tasa_resolucion,
    round(con_cierre * 100 / tickets, 6) AS tasa_resolucion_con_cierre,
    round(suma_respuesta_min / NULLIF(con_respuesta, 0), 6) AS tiempo_respuesta_min,
    tickets >= 10 AS muestra_suficiente
FROM sumas
CROSS JOIN general
ORDER BY satisfaccion_ajustada DESC, tickets DESC, asesor_id
