/*---
description: Llamadas por día y motivo, con sumas para agrupar más sin promediar promedios.
materialized: table
grain: [fecha, motivo]
checks:
  - not_null: [fecha, motivo, llamadas]
  - range: { duracion_promedio_min: { min: 0 } }
---*/
SELECT
    fecha,
    motivo,
    min(anio_mes) AS anio_mes,
    count(*) AS llamadas,
    CAST(sum(duracion_segundos) AS BIGINT) AS suma_segundos,
    CAST(sum(duracion_segundos) AS DOUBLE) / 60 / count(*) AS duracion_promedio_min,
    count(*) FILTER (WHERE sentimiento = 'positivo') AS positivas,
    count(*) FILTER (WHERE sentimiento = 'neutro') AS neutras,
    count(*) FILTER (WHERE sentimiento = 'negativo') AS negativas,
    count(*) FILTER (WHERE tiene_transcripcion) AS transcritas,
    count(*) FILTER (WHERE tiene_audio) AS grabadas
FROM processed.llamadas
GROUP BY fecha, motivo
