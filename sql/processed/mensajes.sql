/*---
description: Un registro por mensaje de WhatsApp, con su periodo, quién lo escribió y puntaje de sentimiento.
materialized: table
grain: [mensaje_id]
accept:
  from: raw.mensajes_whatsapp
  rules:
    con_identificador: mensaje_id IS NOT NULL AND cliente_id IS NOT NULL
  deduplicate:
    key: [mensaje_id]
    keep: fecha_hora DESC NULLS LAST
checks:
  - row_count: { min: 1 }
  - not_null: [fecha_hora, cliente_id, asesor_id, direccion, tipo_mensaje, estado_mensaje]
  - range: { duracion_segundos: { min: 1 } }
  - range: { puntaje_sentimiento: { min: -1, max: 1 } }
  - accepted_values: { direccion: [inbound, outbound] }
  - accepted_values: { tipo_mensaje: [texto, imagen, audio, documento] }
  - accepted_values: { estado_mensaje: [enviado, entregado, leido] }
  - accepted_values: { sentimiento: [positivo, neutro, negativo] }
  - relationship: { cliente_id: processed.clientes.cliente_id }
  - name: texto_sin_archivo
    severity: warn
    expression: tipo_mensaje <> 'texto' OR url_archivo IS NULL
  - name: audio_con_duracion
    severity: warn
    expression: tipo_mensaje <> 'audio' OR duracion_segundos IS NOT NULL
---*/
WITH con_fecha AS (
    SELECT *, CAST(fecha_hora AS DATE) AS fecha
    FROM raw.mensajes_whatsapp
)

SELECT
    mensaje_id,
    fecha_hora,
    pseudonym(cliente_id) AS cliente_id,
    asesor_id,
    direccion,
    canal,
    tipo_mensaje,
    contenido,
    url_archivo,
    duracion_segundos,
    estado_mensaje,
    sentimiento,
    palabras_clave,
    'whatsapp' AS canal_normalizado,
    fecha,
    substr(CAST(fecha AS VARCHAR), 1, 7) AS anio_mes,
    CAST(EXTRACT(YEAR FROM fecha) AS BIGINT) AS anio,
    CAST(EXTRACT(MONTH FROM fecha) AS BIGINT) AS mes,
    CAST(EXTRACT(DAY FROM fecha) AS BIGINT) AS dia,
    CAST(EXTRACT(HOUR FROM fecha_hora) AS BIGINT) AS hora,
    asesor_id LIKE 'BOT%' AS es_bot,
    CASE
        WHEN direccion = 'inbound' THEN 'cliente'
        WHEN asesor_id LIKE 'BOT%' THEN 'bot'
        ELSE 'asesor'
    END AS remitente,
    CAST(CASE sentimiento WHEN 'positivo' THEN 1 WHEN 'neutro' THEN 0 WHEN 'negativo' THEN -1 END AS DOUBLE) AS puntaje_sentimiento,
    estado_mensaje = 'leido' AS es_leido,
    url_archivo IS NOT NULL AS tiene_archivo
FROM con_fecha
