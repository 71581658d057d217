/*---
description: >-
  Asesores por canal y mes de los últimos seis meses, contados desde el mes más reciente de los datos. No exige 10
  tickets: muestra_suficiente lo dice y quien lee decide.
materialized: view
grain: [asesor_id, canal, anio_mes]
---*/
WITH ventana AS (
    SELECT substr(CAST(CAST(date_trunc('month', max(fecha)) - INTERVAL '5 months' AS DATE) AS VARCHAR), 1, 7) AS desde
    FROM curated.metricas_diarias_canal
)

SELECT
    asesor_id,
    canal,
    anio_mes,
    tickets,
    clientes_atendidos,
    round(satisfaccion_promedio, 6) AS satisfaccion_promedio,
    round(satisfaccion_ajustada, 6) AS satisfaccion_ajustada,
    round(tiempo_respuesta_min, 6) AS tiempo_respuesta_min,
    round(tasa_resolucion, 6) AS tasa_resolucion,
    muestra_suficiente
FROM curated.rendimiento_agente
WHERE anio_mes >= (SELECT desde FROM ventana)
ORDER BY satisfaccion_ajustada DESC, tickets DESC, asesor_id, canal, anio_mes
