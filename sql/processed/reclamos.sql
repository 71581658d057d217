/*---
description: Un registro por hoja del Libro de Reclamaciones, con su periodo, canal normalizado y días de calendario hasta la respuesta.
materialized: table
grain: [reclamo_id]
accept:
  from: raw.libro_reclamaciones
  rules:
    con_identificador: reclamo_id IS NOT NULL AND cliente_id IS NOT NULL
  deduplicate:
    key: [reclamo_id]
    keep: fecha_respuesta DESC NULLS LAST, fecha DESC NULLS LAST
checks:
  - row_count: { min: 1 }
  - not_null: [fecha, cliente_id, motivo, estado, responsable]
  - accepted_values: { tipo_documento: [dni, ce, pasaporte] }
  - accepted_values: { canal: [fisico_agencia, virtual] }
  - accepted_values: { motivo: [producto_servicio, atencion_cliente, cobros_indebidos, informacion_enganosa, discriminacion] }
  - accepted_values: { estado: [abierto, atendido, en_indecopi] }
  - relationship: { cliente_id: processed.clientes.cliente_id }
  - range: { tiempo_resolucion_dias: { min: 0 } }
  - name: respuesta_no_antes_del_reclamo
    expression: fecha_respuesta >= fecha
  - name: atendido_con_fecha_de_respuesta
    expression: estado <> 'atendido' OR fecha_respuesta IS NOT NULL
  - name: sin_respuesta_mientras_sigue_abierto
    severity: warn
    expression: estado <> 'abierto' OR fecha_respuesta IS NULL
  - name: dias_declarados_iguales_a_las_fechas
    severity: warn
    expression: tiempo_resolucion_dias = dias_calendario
---*/
SELECT
    reclamo_id,
    fecha,
    pseudonym(cliente_id) AS cliente_id,
    tipo_documento,
    canal,
    motivo,
    descripcion,
    estado,
    fecha_respuesta,
    resolucion,
    tiempo_resolucion_dias,
    responsable,
    substr(CAST(fecha AS VARCHAR), 1, 7) AS anio_mes,
    CAST(EXTRACT(YEAR FROM fecha) AS BIGINT) AS anio,
    CAST(EXTRACT(MONTH FROM fecha) AS BIGINT) AS mes,
    CAST(EXTRACT(DAY FROM fecha) AS BIGINT) AS dia,
    CASE lower(trim(canal))
        WHEN 'fisico_agencia' THEN 'presencial'
        WHEN 'virtual' THEN 'web'
        ELSE 'otros'
    END AS canal_normalizado,
    fecha_respuesta IS NOT NULL AS tiene_respuesta,
    fecha_respuesta - fecha AS dias_calendario
FROM raw.libro_reclamaciones
