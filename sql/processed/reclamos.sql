/*---
description: Un registro por hoja del Libro de Reclamaciones, con su periodo, canal normalizado y días de calendario hasta la respuesta.
materialized: table
grain: [reclamo_id]
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
WITH validos AS (
    SELECT *
    FROM raw.libro_reclamaciones
    WHERE reclamo_id IS NOT NULL
        AND cliente_id IS NOT NULL
),

-- Las claves repetidas son raras: solo ellas se ordenan para elegir, y van a la izquierda de los JOIN, que es el lado que
-- el motor guarda en memoria.
repetidos AS (
    SELECT reclamo_id
    FROM validos
    GROUP BY reclamo_id
    HAVING count(*) > 1
),

-- De cada clave queda la fila más reciente, con respuesta antes que sin ella; las demás columnas deshacen el empate.
unicos AS (
    SELECT validos.*
    FROM repetidos
    RIGHT JOIN validos ON validos.reclamo_id = repetidos.reclamo_id
    WHERE repetidos.reclamo_id IS NULL
    UNION ALL
    SELECT validos.*
    FROM repetidos
    JOIN validos ON validos.reclamo_id = repetidos.reclamo_id
    QUALIFY row_number() OVER (
        PARTITION BY validos.reclamo_id
        ORDER BY fecha_respuesta DESC NULLS LAST, fecha DESC NULLS LAST, cliente_id, tipo_documento, canal, motivo,
            descripcion, estado, resolucion, tiempo_resolucion_dias, responsable
    ) = 1
)

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
FROM unicos
