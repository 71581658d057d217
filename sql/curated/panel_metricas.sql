/*---
description: >-
  La evolución de la satisfacción por día y canal de los últimos seis meses, contados desde el día más reciente de los
  datos. El NPS del día no está aquí, porque se repetiría en cada canal: está en curated.metricas_diarias.
materialized: view
grain: [fecha, canal]
---*/
SELECT
    fecha,
    canal,
    canal_normalizado,
    tickets,
    satisfaccion_promedio,
    tasa_satisfaccion,
    tasa_resolucion,
    tiempo_respuesta_min,
    clientes_unicos
FROM curated.metricas_diarias_canal
WHERE fecha > (SELECT CAST(max(fecha) - INTERVAL '6 months' AS DATE) FROM curated.metricas_diarias_canal)
ORDER BY fecha, canal
