/*---
description: Encuestas y NPS por mes de respuesta, sumando los días antes de dividir.
materialized: table
grain: [anio_mes]
checks:
  - range: { nps: { min: -100, max: 100 } }
  - range: { nps_nota_promedio: { min: 0, max: 10 } }
  - name: categorias_suman_encuestas
    expression: promotores + neutros + detractores = encuestas
---*/
WITH sumas AS (
    SELECT
        anio_mes,
        CAST(sum(encuestas) AS BIGINT) AS encuestas,
        CAST(sum(promotores) AS BIGINT) AS promotores,
        CAST(sum(neutros) AS BIGINT) AS neutros,
        CAST(sum(detractores) AS BIGINT) AS detractores,
        CAST(sum(suma_nps) AS BIGINT) AS suma_nps
    FROM curated.nps_diario
    GROUP BY anio_mes
)

SELECT
    anio_mes,
    encuestas,
    promotores,
    neutros,
    detractores,
    suma_nps,
    CAST(promotores AS DOUBLE) * 100 / encuestas AS porcentaje_promotores,
    CAST(neutros AS DOUBLE) * 100 / encuestas AS porcentaje_neutros,
    CAST(detractores AS DOUBLE) * 100 / encuestas AS porcentaje_detractores,
    CAST(promotores - detractores AS DOUBLE) * 100 / encuestas AS nps,
    CAST(suma_nps AS DOUBLE) / encuestas AS nps_nota_promedio
FROM sumas
