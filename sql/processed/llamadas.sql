/*---
description: Un registro por llamada, con su periodo, categoría de duración y puntaje de sentimiento.
materialized: table
grain: [llamada_id]
accept:
  from: raw.llamadas_call_center
  rules:
    con_identificador: llamada_id IS NOT NULL AND cliente_id IS NOT NULL
    con_duracion: duracion_segundos IS NOT NULL AND duracion_segundos > 0
  deduplicate:
    key: [llamada_id]
    keep: fecha_hora_inicio DESC NULLS LAST, fecha_hora_fin DESC NULLS LAST
checks:
  - row_count: { min: 1 }
  - not_null: [fecha_hora_inicio, fecha_hora_fin, cliente_id, asesor_id, motivo]
  - range: { duracion_segundos: { min: 1, max: 28800 } }
  - range: { puntaje_sentimiento: { min: -1, max: 1 } }
  - accepted_values: { motivo: [tarjetas, prestamos, cuentas, inversiones, seguros] }
  - accepted_values: { sentimiento: [positivo, neutro, negativo] }
  - relationship: { cliente_id: processed.clientes.cliente_id }
  - name: duracion_igual_a_fin_menos_inicio
    expression: abs(EXTRACT(EPOCH FROM fecha_hora_fin) - EXTRACT(EPOCH FROM fecha_hora_inicio) - duracion_segundos) < 1
  - name: transcripcion_con_texto
    expression: length(trim(transcripcion)) > 0
---*/
WITH con_fecha AS (
    SELECT *, CAST(fecha_hora_inicio AS DATE) AS fecha
    FROM raw.llamadas_call_center
)

SELECT
    llamada_id,
    fecha_hora_inicio,
    fecha_hora_fin,
    pseudonym(cliente_id) AS cliente_id,
    asesor_id,
    duracion_segundos,
    motivo,
    resumen,
    transcripcion,
    sentimiento,
    palabras_clave,
    audio_url,
    'telefono' AS canal_normalizado,
    fecha,
    substr(CAST(fecha AS VARCHAR), 1, 7) AS anio_mes,
    CAST(EXTRACT(YEAR FROM fecha) AS BIGINT) AS anio,
    CAST(EXTRACT(MONTH FROM fecha) AS BIGINT) AS mes,
    CAST(EXTRACT(DAY FROM fecha) AS BIGINT) AS dia,
    CAST(EXTRACT(HOUR FROM fecha_hora_inicio) AS BIGINT) AS hora,
    CASE
        WHEN duracion_segundos <= 300 THEN 'rapido'
        WHEN duracion_segundos <= 900 THEN 'normal'
        WHEN duracion_segundos <= 1800 THEN 'largo'
        ELSE 'muy_largo'
    END AS categoria_duracion,
    CAST(CASE sentimiento WHEN 'positivo' THEN 1 WHEN 'neutro' THEN 0 WHEN 'negativo' THEN -1 END AS DOUBLE) AS puntaje_sentimiento,
    transcripcion IS NOT NULL AS tiene_transcripcion,
    audio_url IS NOT NULL AS tiene_audio
FROM con_fecha
