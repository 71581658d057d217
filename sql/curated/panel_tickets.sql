/*---
description: >-
  Tickets por día y canal de los últimos 90 días. "Últimos" se cuenta desde el día más reciente de los datos, no desde
  hoy: un lago detenido sigue mostrando su última ventana.
materialized: view
grain: [fecha, canal]
---*/
SELECT
    fecha,
    canal,
    canal_normalizado,
    tickets,
    satisfaccion_promedio,
    tiempo_respuesta_min,
    resueltos,
    satisfechos,
    clientes_unicos,
    asesores_activos
FROM curated.metricas_diarias_canal
WHERE fecha > (SELECT max(fecha) - 90 FROM curated.metricas_diarias_canal)
ORDER BY fecha, canal
