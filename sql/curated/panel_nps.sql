/*---
description: >-
  Encuestas por mes y categoría NPS, con la parte de cada categoría en su mes: los últimos doce meses, contados desde el
  mes más reciente con encuestas.
materialized: view
grain: [anio_mes, categoria_nps]
checks:
  - accepted_values: { categoria_nps: [promotor, neutro, detractor] }
  - range: { porcentaje: { min: 0, max: 100 } }
---*/
WITH ventana AS (
    SELECT CAST(date_trunc('month', max(fecha)) - INTERVAL '11 months' AS DATE) AS desde
    FROM processed.encuestas
)

SELECT
    anio_mes,
    categoria_nps,
    count(*) AS encuestas,
    round(CAST(sum(nps) AS DOUBLE) / count(*), 6) AS nps_nota_promedio,
    round(CAST(count(*) AS DOUBLE) * 100 / sum(count(*)) OVER (PARTITION BY anio_mes), 6) AS porcentaje
FROM processed.encuestas
WHERE fecha >= (SELECT desde FROM ventana)
GROUP BY anio_mes, categoria_nps
ORDER BY anio_mes, categoria_nps
