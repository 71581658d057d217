/*---
description: Un registro por cliente, con su identificador seudonimizado, grupos de edad y antigüedad y canal preferido normalizado.
materialized: table
grain: [cliente_id]
accept:
  from: raw.clientes
  rules:
    con_identificador: cliente_id IS NOT NULL
  deduplicate:
    key: [cliente_id]
    keep: ultima_interaccion DESC NULLS LAST
checks:
  - row_count: { min: 1 }
  - range: { edad: { min: 18, max: 120 } }
  - range: { antiguedad_meses: { min: 0 } }
  - range: { productos_activos: { min: 0 } }
  - range: { score_crediticio: { min: 300, max: 850 } }
  - accepted_values: { segmento: [basico, estandar, premium] }
  - accepted_values: { canal_preferido: [telefono, chat_web, email, sucursal, app_movil, whatsapp] }
---*/
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
FROM raw.clientes
