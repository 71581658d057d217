/*---
description: >-
  Reseñas por semana, plataforma y estrellas de los últimos tres meses, contados desde la semana más reciente de los
  datos.
materialized: view
grain: [semana, plataforma, puntaje]
---*/
SELECT
    semana,
    plataforma,
    puntaje,
    categoria_resena,
    resenas,
    round(longitud_promedio, 6) AS longitud_promedio
FROM curated.resenas_semanales
WHERE semana > (SELECT CAST(max(semana) - INTERVAL '3 months' AS DATE) FROM curated.resenas_semanales)
ORDER BY semana, plataforma, puntaje
