/*---
description: Un registro por reseña válida, con categoría y sentimiento según sus estrellas, y por separado el sentimiento de su texto.
materialized: table
grain: ["reseña_id"]
accept:
  from: raw.resenas_online
  rules:
    con_identificador: '"reseña_id" IS NOT NULL'
    puntaje_en_rango: puntaje IS NOT NULL AND puntaje BETWEEN 1 AND 5
    # Diez letras o menos no dicen nada que se pueda analizar.
    con_texto: comentario IS NOT NULL AND length(comentario) > 10
  deduplicate:
    key: ["reseña_id"]
    keep: fecha_publicacion DESC NULLS LAST, likes DESC NULLS LAST
checks:
  - row_count: { min: 1 }
  - not_null: [plataforma, fecha_publicacion, puntaje, comentario]
  - range: { puntaje: { min: 1, max: 5 } }
  - range: { sentimiento: { min: -1, max: 1 } }
  - range: { sentimiento_texto: { min: -1, max: 1 } }
  - range: { likes: { min: 0 } }
  - accepted_values: { plataforma: [google_maps, facebook, app_store, play_store, trustpilot] }
  - accepted_values: { origen: [web, mobile, tablet] }
  - accepted_values: { categoria_resena: [positivo, neutro, negativo] }
  - relationship: { cliente_id: processed.clientes.cliente_id }
  - name: reseñas_demasiado_cortas_hasta_10_por_ciento
    sql: >-
      SELECT count(*) FILTER (WHERE length(comentario) < 10 OR comentario IS NULL) AS cortas, count(*) AS total
      FROM raw.resenas_online
      HAVING count(*) FILTER (WHERE length(comentario) < 10 OR comentario IS NULL) > CAST(count(*) AS DOUBLE) * 0.1
---*/
-- El comentario en minúsculas, sin tildes ni signos y con un espacio a cada lado de cada palabra: así "pésimo" se
-- reconoce, "insatisfecho" no contiene " satisfech" y una expresión no necesita más que sus letras.
WITH con_texto AS (
    SELECT
        *,
        ' ' || regexp_replace(translate(lower(comentario), 'áéíóúüñ', 'aeiouun'), '[^a-z]+', ' ', 'g') || ' ' AS texto
    FROM raw.resenas_online
)

SELECT
    "reseña_id",
    plataforma,
    fecha_publicacion,
    pseudonym(cliente_id) AS cliente_id,
    pseudonym(nombre_usuario) AS nombre_usuario,
    sucursal_id,
    puntaje,
    comentario,
    likes,
    respuesta_banco,
    palabras_clave,
    idioma,
    origen,
    fecha_publicacion AS fecha,
    substr(CAST(fecha_publicacion AS VARCHAR), 1, 7) AS anio_mes,
    CAST(EXTRACT(YEAR FROM fecha_publicacion) AS BIGINT) AS anio,
    CAST(EXTRACT(MONTH FROM fecha_publicacion) AS BIGINT) AS mes,
    CAST(EXTRACT(DAY FROM fecha_publicacion) AS BIGINT) AS dia,
    CAST(date_trunc('week', fecha_publicacion) AS DATE) AS semana,
    CASE WHEN puntaje >= 4 THEN 'positivo' WHEN puntaje = 3 THEN 'neutro' ELSE 'negativo' END AS categoria_resena,
    CAST(CASE puntaje WHEN 5 THEN 1.0 WHEN 4 THEN 0.5 WHEN 3 THEN 0.0 WHEN 2 THEN -0.5 ELSE -1.0 END AS DOUBLE) AS sentimiento,
    -- La primera regla que se cumple decide; lo negado va antes. La misma lista está en processed.encuestas.
    CAST(
        CASE
            WHEN texto ~ '^.* (no|nunca|tampoco|nada|poco) ((lo|la|los|las|me|se|es|fue|esta|estoy|quede|muy) )*(excelente|genial|perfect|buen|bien |satisfech|correct|recom|amable|rapid).*$' THEN -0.5
            WHEN texto ~ '^.* (sin|ningun|ninguna|pocos|pocas|no tuve|no hubo) (problema|error|fallo|falla|demora|queja|inconveniente).*$' THEN 0.5
            WHEN texto ~ '^.* (excelente|genial|perfect|magnific|increibl|recomiendo totalmente).*$' THEN 1.0
            WHEN texto ~ '^.* (mal |malo|mala|pesim|terribl|horribl|awful|deficient).*$' THEN -1.0
            WHEN texto ~ '^.* (insatisfech|problema|error|fallo|falla|demora|lent[oa]|queja).*$' THEN -0.5
            WHEN texto ~ '^.* (buen |bueno|buena|bien |satisfech|correct|recomiendo|amable|rapid).*$' THEN 0.5
            ELSE 0.0
        END AS DOUBLE
    ) AS sentimiento_texto,
    CAST(length(comentario) AS BIGINT) AS longitud_comentario,
    respuesta_banco IS NOT NULL AS tiene_respuesta
FROM con_texto
