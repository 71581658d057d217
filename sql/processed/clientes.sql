/*---
description: Un registro por cliente, con su identificador seudonimizado, grupos de edad y antigüedad y canal preferido normalizado.
materialized: table
grain: [cliente_id]
checks:
  - row_count: { min: 1 }
  - range: { edad: { min: 18, max: 120 } }
  - range: { antiguedad_meses: { min: 0 } }
  - range: { productos_activos: { min: 0 } }
  - range: { score_crediticio: { min: 300, max: 850 } }
  - accepted_values: { segmento: [basico, estandar, premium] }
  - accepted_values: { canal_preferido: [telefono, chat_web, email, sucursal, app_movil, whatsapp] }
---*/
WITH validos AS (
    SELECT *
    FROM raw.clientes
    WHERE cliente_id IS NOT NULL
),

-- Las claves repetidas son raras: solo ellas se ordenan para elegir, y van a la izquierda de los JOIN, que es el lado que
-- el motor guarda en memoria.
repetidos AS (
    SELECT cliente_id
    FROM validos
    GROUP BY cliente_id
    HAVING count(*) > 1
),

-- De cada clave queda la fila más reciente; las demás columnas deshacen el empate, para que elegir no dependa del orden.
unicos AS (
    SELECT validos.*
    FROM repetidos
    RIGHT JOIN validos ON validos.cliente_id = repetidos.cliente_id
    WHERE repetidos.cliente_id IS NULL
    UNION ALL
    SELECT validos.*
    FROM repetidos
    JOIN validos ON validos.cliente_id = repetidos.cliente_id
    QUALIFY row_number() OVER (
        PARTITION BY validos.cliente_id
        ORDER BY ultima_interaccion DESC NULLS LAST, edad, segmento, antiguedad_meses, productos_activos,
            sucursal_afiliacion, score_crediticio, canal_preferido
    ) = 1
)

SELECT
    pseudonym(cliente_id) AS cliente_id,
    edad,
    segmento,
    antiguedad_meses,
    productos_activos,
    sucursal_afiliacion,
    ultima_interaccion,
    score_crediticio,
    canal_preferido,
    CASE
        WHEN edad < 30 THEN '18-29'
        WHEN edad < 50 THEN '30-49'
        WHEN edad < 65 THEN '50-64'
        ELSE '65+'
    END AS grupo_edad,
    CASE
        WHEN antiguedad_meses < 12 THEN 'menos_de_1_anio'
        WHEN antiguedad_meses < 60 THEN 'de_1_a_4_anios'
        WHEN antiguedad_meses < 120 THEN 'de_5_a_9_anios'
        ELSE 'de_10_anios_a_mas'
    END AS grupo_antiguedad,
    CASE lower(trim(canal_preferido))
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
    END AS canal_normalizado
FROM unicos
