/*---
description: >-
  Encuestas y NPS por día de respuesta. El NPS es (promotores − detractores) / encuestas × 100; nps_nota_promedio es la
  nota media de 0 a 10, que no es el NPS.
materialized: table
grain: [fecha]
checks:
  - row_count: { min: 1 }
  - range: { nps: { min: -100, max: 100 } }
  - range: { nps_nota_promedio: { min: 0, max: 10 } }
  - name: categorias_suman_encuestas
    expression: promotores + neutros + detractores = encuestas
---*/
WITH sumas AS (
    SELECT
        fecha,
        min(anio_mes) AS anio_mes,
        count(*) AS encuestas,
        count(*) FILTER (WHERE categoria_nps = 'promotor') AS promotores,
        count(*) FILTER (WHERE categoria_nps = 'neutro') AS neutros,
        count(*) FILTER (WHERE categoria_nps = 'detractor') AS detractores,
        CAST(sum(nps) AS BIGINT) AS suma_nps
    FROM processed.encuestas
    GROUP BY fecha
)

SELECT
    fecha,
    anio_mes,
    encuestas,
    promotores,
    neutros,
    detractores,
    suma_nps,
    CAST(promotores - detractores AS DOUBLE) * 100 / encuestas AS nps,
    CAST(suma_nps AS DOUBLE) / encuestas AS nps_nota_promedio
FROM sumas
