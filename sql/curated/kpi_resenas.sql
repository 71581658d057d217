/*---
description: Las reseñas por plataforma, con su puntaje, su reparto y la parte que el banco respondió.
materialized: view
grain: [plataforma]
checks:
  - range: { puntaje_promedio: { min: 1, max: 5 } }
  - range: { tasa_respuesta: { min: 0, max: 100 } }
  - name: categorias_suman_resenas
    expression: positivas + neutras + negativas = resenas
---*/
WITH sumas AS (
    SELECT
        plataforma,
        CAST(sum(resenas) AS BIGINT) AS resenas,
        CAST(sum(puntaje * resenas) AS DOUBLE) AS suma_puntaje,
        CAST(COALESCE(sum(resenas) FILTER (WHERE categoria_resena = 'positivo'), 0) AS BIGINT) AS positivas,
        CAST(COALESCE(sum(resenas) FILTER (WHERE categoria_resena = 'neutro'), 0) AS BIGINT) AS neutras,
        CAST(COALESCE(sum(resenas) FILTER (WHERE categoria_resena = 'negativo'), 0) AS BIGINT) AS negativas,
        CAST(sum(respondidas) AS DOUBLE) AS respondidas,
        CAST(sum(likes) AS BIGINT) AS likes,
        CAST(sum(suma_longitud) AS DOUBLE) AS suma_longitud,
        sum(suma_sentimiento) AS suma_sentimiento,
        sum(suma_sentimiento_texto) AS suma_sentimiento_texto
    FROM curated.resenas_semanales
    GROUP BY plataforma
)

SELECT
    plataforma,
    resenas,
    round(CAST(resenas AS DOUBLE) * 100 / sum(resenas) OVER (), 6) AS porcentaje,
    round(suma_puntaje / resenas, 6) AS puntaje_promedio,
    positivas,
    neutras,
    negativas,
    round(CAST(positivas AS DOUBLE) * 100 / resenas, 6) AS porcentaje_positivas,
    round(CAST(negativas AS DOUBLE) * 100 / resenas, 6) AS porcentaje_negativas,
    round(respondidas * 100 / resenas, 6) AS tasa_respuesta,
    likes,
    round(suma_longitud / resenas, 6) AS longitud_promedio,
    round(suma_sentimiento / resenas, 6) AS sentimiento,
    round(suma_sentimiento_texto / resenas, 6) AS sentimiento_texto
FROM sumas
ORDER BY resenas DESC, plataforma
