/*---
description: Un registro por encuesta válida, con su categoría NPS recalculada desde la nota, el periodo de la respuesta y el sentimiento del comentario.
materialized: table
grain: [encuesta_id]
accept:
  from: raw.encuestas_post_atencion
  rules:
    con_identificador: encuesta_id IS NOT NULL AND cliente_id IS NOT NULL
    nps_en_rango: nps IS NOT NULL AND nps BETWEEN 0 AND 10
  deduplicate:
    key: [encuesta_id]
    keep: fecha_respuesta DESC NULLS LAST, fecha_envio DESC NULLS LAST
checks:
  - row_count: { min: 1 }
  - not_null: [fecha_envio, fecha_respuesta, cliente_id, ticket_id, nps]
  - range: { nps: { min: 0, max: 10 } }
  - range: { puntuacion_general: { min: 1, max: 10 } }
  - range: { facilidad_proceso: { min: 1, max: 5 } }
  - range: { rapidez_atencion: { min: 1, max: 5 } }
  - range: { amabilidad_asesor: { min: 1, max: 5 } }
  - range: { resolucion_problema: { min: 1, max: 5 } }
  - range: { sentimiento_texto: { min: -1, max: 1 } }
  - accepted_values: { categoria_nps: [promotor, neutro, detractor] }
  - accepted_values: { canal_encuesta: [email, sms, app, whatsapp] }
  - name: promotor_desde_9
    expression: categoria_nps <> 'promotor' OR nps >= 9
  - name: detractor_hasta_6
    expression: categoria_nps <> 'detractor' OR nps <= 6
  - name: respuesta_no_antes_del_envio
    expression: fecha_respuesta >= fecha_envio
  - unique: [ticket_id]
  - relationship: { cliente_id: processed.clientes.cliente_id }
  - relationship: { ticket_id: processed.tickets.ticket_id }
  # El comentario es opcional: en los datos de referencia lo deja cuatro de cada diez encuestados.
  - null_share: { comentario_libre: 0.75 }
---*/
-- El comentario en minúsculas, sin tildes ni signos y con un espacio a cada lado de cada palabra: así "pésimo" se
-- reconoce, "insatisfecho" no contiene " satisfech" y una expresión no necesita más que sus letras.
WITH con_texto AS (
    SELECT
        *,
        ' ' || regexp_replace(translate(lower(comentario_libre), 'áéíóúüñ', 'aeiouun'), '[^a-z]+', ' ', 'g') || ' ' AS texto
    FROM raw.encuestas_post_atencion
)

SELECT
    encuesta_id,
    fecha_envio,
    fecha_respuesta,
    pseudonym(cliente_id) AS cliente_id,
    ticket_id,
    nps,
    puntuacion_general,
    facilidad_proceso,
    rapidez_atencion,
    amabilidad_asesor,
    resolucion_problema,
    comentario_libre,
    canal_encuesta,
    emoji_sentimiento,
    fecha_respuesta AS fecha,
    substr(CAST(fecha_respuesta AS VARCHAR), 1, 7) AS anio_mes,
    CAST(EXTRACT(YEAR FROM fecha_respuesta) AS BIGINT) AS anio,
    CAST(EXTRACT(MONTH FROM fecha_respuesta) AS BIGINT) AS mes,
    CAST(EXTRACT(DAY FROM fecha_respuesta) AS BIGINT) AS dia,
    fecha_respuesta - fecha_envio AS dias_hasta_respuesta,
    CASE lower(trim(canal_encuesta))
        WHEN 'email' THEN 'email'
        WHEN 'sms' THEN 'sms'
        WHEN 'app' THEN 'app_movil'
        WHEN 'whatsapp' THEN 'whatsapp'
        ELSE 'otros'
    END AS canal_normalizado,
    CASE WHEN nps >= 9 THEN 'promotor' WHEN nps >= 7 THEN 'neutro' ELSE 'detractor' END AS categoria_nps,
    CAST(CASE emoji_sentimiento WHEN '😊' THEN 1 WHEN '😐' THEN 0 WHEN '😞' THEN -1 END AS DOUBLE) AS sentimiento_emoji,
    -- La primera regla que se cumple decide; lo negado va antes. La misma lista está en processed.resenas.
    CAST(
        CASE
            WHEN texto IS NULL THEN NULL
            WHEN texto ~ '^.* (no|nunca|tampoco|nada|poco) ((lo|la|los|las|me|se|es|fue|esta|estoy|quede|muy) )*(excelente|genial|perfect|buen|bien |satisfech|correct|recom|amable|rapid).*$' THEN -0.5
            WHEN texto ~ '^.* (sin|ningun|ninguna|pocos|pocas|no tuve|no hubo) (problema|error|fallo|falla|demora|queja|inconveniente).*$' THEN 0.5
            WHEN texto ~ '^.* (excelente|genial|perfect|magnific|increibl|recomiendo totalmente).*$' THEN 1.0
            WHEN texto ~ '^.* (mal |malo|mala|pesim|terribl|horribl|awful|deficient).*$' THEN -1.0
            WHEN texto ~ '^.* (insatisfech|problema|error|fallo|falla|demora|lent[oa]|queja).*$' THEN -0.5
            WHEN texto ~ '^.* (buen |bueno|buena|bien |satisfech|correct|recomiendo|amable|rapid).*$' THEN 0.5
            ELSE 0.0
        END AS DOUBLE
    ) AS sentimiento_texto
FROM con_texto
