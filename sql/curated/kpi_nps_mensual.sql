/*---
description: El NPS de cada mes por su fórmula, cuánto cambió frente al mes anterior con encuestas y cómo se lee.
materialized: view
grain: [anio_mes]
checks:
  - range: { nps: { min: -100, max: 100 } }
  - accepted_values: { lectura: [excelente, bueno, necesita_mejora] }
---*/
SELECT
    anio_mes,
    encuestas,
    promotores,
    neutros,
    detractores,
    round(porcentaje_promotores, 6) AS porcentaje_promotores,
    round(porcentaje_neutros, 6) AS porcentaje_neutros,
    round(porcentaje_detractores, 6) AS porcentaje_detractores,
    round(nps, 6) AS nps,
    round(nps - lag(nps) OVER (ORDER BY anio_mes), 6) AS cambio,
    round(nps_nota_promedio, 6) AS nps_nota_promedio,
    CASE WHEN nps > 50 THEN 'excelente' WHEN nps > 0 THEN 'bueno' ELSE 'necesita_mejora' END AS lectura
FROM curated.nps_mensual
ORDER BY anio_mes
