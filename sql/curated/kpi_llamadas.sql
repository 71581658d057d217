/*---
description: Las llamadas por motivo, con su duración y su sentimiento.
materialized: view
grain: [motivo]
checks:
  - range: { duracion_promedio_min: { min: 0 } }
  - range: { sentimiento: { min: -1, max: 1 } }
columns:
  sentimiento: (positivas − negativas) / llamadas con sentimiento, de −1 a 1.
---*/
WITH sumas AS (
    SELECT
        motivo,
        CAST(sum(llamadas) AS BIGINT) AS llamadas,
        CAST(sum(suma_segundos) AS DOUBLE) AS suma_segundos,
        CAST(sum(positivas) AS BIGINT) AS positivas,
        CAST(sum(neutras) AS BIGINT) AS neutras,
        CAST(sum(negativas) AS BIGINT) AS negativas,
        CAST(sum(transcritas) AS BIGINT) AS transcritas,
        CAST(sum(grabadas) AS BIGINT) AS grabadas
    FROM curated.llamadas_diarias
    GROUP BY motivo
)

SELECT
    motivo,
    llamadas,
    round(CAST(llamadas AS DOUBLE) * 100 / sum(llamadas) OVER (), 6) AS porcentaje,
    round(suma_segundos / 60 / llamadas, 6) AS duracion_promedio_min,
    positivas,
    neutras,
    negativas,
    round(CAST(positivas - negativas AS DOUBLE) / NULLIF(positivas + neutras + negativas, 0), 6) AS sentimiento,
    round(CAST(transcritas AS DOUBLE) * 100 / llamadas, 6) AS porcentaje_transcritas,
    round(CAST(grabadas AS DOUBLE) * 100 / llamadas, 6) AS porcentaje_grabadas
FROM sumas
ORDER BY llamadas DESC, motivo
