/*---
description: Un registro por ticket válido, con canal normalizado, periodos y categorías de satisfacción y de respuesta.
materialized: table
partition_by: [anio_mes]
grain: [ticket_id]
accept:
  from: raw.tickets_soporte
  rules:
    con_identificador: ticket_id IS NOT NULL AND cliente_id IS NOT NULL
    satisfaccion_en_rango: satisfaccion_cliente IS NOT NULL AND satisfaccion_cliente BETWEEN 1 AND 5
    # Un ticket sin resolver puede no tener horas de resolución; cero o menos es un error.
    horas_positivas: tiempo_resolucion_horas > 0
  deduplicate:
    key: [ticket_id]
    keep: fecha_hora DESC NULLS LAST
checks:
  - row_count: { min: 1 }
  - not_null: [fecha_hora, cliente_id, canal, asesor_id, tipo_consulta, subtipo, estado]
  - range: { satisfaccion_cliente: { min: 1, max: 5 } }
  - range: { tiempo_respuesta_min: { min: 0, max: 480 } }
  - range: { tiempo_resolucion_horas: { min: 0, max: 480 } }
  - null_share: { tiempo_respuesta_min: 0.05 }
  - accepted_values: { canal: [telefono, chat_web, email, sucursal, app_movil, whatsapp] }
  - accepted_values: { tipo_consulta: [reclamo, consulta, solicitud, emergencia, fraude] }
  - accepted_values: { subtipo: [tarjetas, prestamos, cuentas, inversiones, seguros] }
  - accepted_values: { estado: [abierto, en_proceso, resuelto, cerrado, escalado] }
  - relationship: { cliente_id: processed.clientes.cliente_id }
  - name: canal_conocido
    expression: canal_normalizado <> 'otros'
  - name: fecha_no_futura
    expression: fecha <= current_date + INTERVAL '1 day'
  - name: fecha_no_muy_antigua
    expression: fecha >= DATE '2010-01-01'
  - name: sin_horas_de_resolucion_mientras_sigue_abierto
    severity: warn
    expression: estado <> 'abierto' OR tiempo_resolucion_horas IS NULL
---*/
WITH con_fecha AS (
    SELECT *, CAST(fecha_hora AS DATE) AS fecha
    FROM raw.tickets_soporte
)

SELECT
    ticket_id,
    fecha_hora,
    pseudonym(cliente_id) AS cliente_id,
    canal,
    sucursal_id,
    asesor_id,
    tipo_consulta,
    subtipo,
    estado,
    tiempo_respuesta_min,
    tiempo_resolucion_horas,
    satisfaccion_cliente,
    comentario,
    etiquetas,
    adjunto,
    fecha,
    substr(CAST(fecha AS VARCHAR), 1, 7) AS anio_mes,
    CAST(EXTRACT(YEAR FROM fecha) AS BIGINT) AS anio,
    CAST(EXTRACT(MONTH FROM fecha) AS BIGINT) AS mes,
    CAST(EXTRACT(DAY FROM fecha) AS BIGINT) AS dia,
    CAST(EXTRACT(ISODOW FROM fecha) AS BIGINT) AS dia_semana,
    CAST(EXTRACT(HOUR FROM fecha_hora) AS BIGINT) AS hora,
    CASE lower(trim(canal))
        WHEN 'telefono' THEN 'telefono'
        WHEN 'phone' THEN 'telefono'
        WHEN 'chat_web' THEN 'chat'
        WHEN 'chat' THEN 'chat'
        WHEN 'webchat' THEN 'chat'
        WHEN 'email' THEN 'email'
        WHEN 'correo' THEN 'email'
        WHEN 'sucursal' THEN 'presencial'
        WHEN 'presencial' THEN 'presencial'
        WHEN 'branch' THEN 'presencial'
        WHEN 'app_movil' THEN 'app_movil'
        WHEN 'mobile' THEN 'app_movil'
        WHEN 'app' THEN 'app_movil'
        WHEN 'whatsapp' THEN 'whatsapp'
        ELSE 'otros'
    END AS canal_normalizado,
    CASE
        WHEN satisfaccion_cliente >= 4.5 THEN 'muy_satisfecho'
        WHEN satisfaccion_cliente >= 3.5 THEN 'satisfecho'
        WHEN satisfaccion_cliente >= 2.5 THEN 'neutral'
        WHEN satisfaccion_cliente >= 1.5 THEN 'insatisfecho'
        ELSE 'muy_insatisfecho'
    END AS categoria_satisfaccion,
    CASE
        WHEN tiempo_respuesta_min <= 5 THEN 'rapido'
        WHEN tiempo_respuesta_min <= 15 THEN 'normal'
        WHEN tiempo_respuesta_min <= 30 THEN 'largo'
        WHEN tiempo_respuesta_min > 30 THEN 'muy_largo'
    END AS categoria_respuesta,
    estado = 'resuelto' AS es_resuelto,
    estado IN ('resuelto', 'cerrado') AS tiene_cierre,
    satisfaccion_cliente >= 4 AS es_satisfecho
FROM con_fecha
