/*---
description: Reseñas por semana (desde el lunes), plataforma y estrellas.
materialized: table
grain: [semana, plataforma, puntaje]
checks:
  - not_null: [semana, plataforma, puntaje, categoria_resena, resenas]
  - range: { resenas: { min: 1 } }
---*/
SELECT
    semana,
    plataforma,
    puntaje,
    min(categoria_resena) AS categoria_resena,
    count(*) AS resenas,
    CAST(sum(longitud_comentario) AS BIGINT) AS suma_longitud,
    CAST(sum(longitud_comentario) AS DOUBLE) / count(*) AS longitud_promedio,
    count(*) FILTER (WHERE tiene_respuesta) AS respondidas,
    CAST(COALESCE(sum(likes), 0) AS BIGINT) AS likes,
    sum(sentimiento) AS suma_sentimiento,
    sum(sentimiento_texto) AS suma_sentimiento_texto
FROM processed.resenas
GROUP BY semana, plataforma, puntaje
