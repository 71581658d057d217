/*---
description: >-
  Tickets y NPS por día, un día por fila: el NPS del día aparece una sola vez. Un día con encuestas y sin tickets, o al
  revés, también tiene fila, con ceros y sin cocientes de lo que falta.
materialized: view
grain: [fecha]
---*/
WITH tickets AS (
    SELECT
        fecha,
        CAST(sum(tickets) AS BIGINT) AS tickets,
        CAST(sum(suma_satisfaccion) AS BIGINT) AS suma_satisfaccion,
        CAST(sum(satisfechos) AS BIGINT) AS satisfechos,
        CAST(sum(resueltos) AS BIGINT) AS resueltos,
        CAST(sum(con_cierre) AS BIGINT) AS con_cierre,
        CAST(sum(con_respuesta) AS BIGINT) AS con_respuesta,
        CAST(sum(suma_respuesta_min) AS BIGINT) AS suma_respuesta_min
    FROM curated.metricas_diarias_canal
    GROUP BY fecha
)

SELECT
    COALESCE(tickets.fecha, nps.fecha) AS fecha,
    substr(CAST(COALESCE(tickets.fecha, nps.fecha) AS VARCHAR), 1, 7) AS anio_mes,
    COALESCE(tickets.tickets, 0) AS tickets,
    CAST(tickets.suma_satisfaccion AS DOUBLE) / tickets.tickets AS satisfaccion_promedio,
    CAST(tickets.satisfechos AS DOUBLE) * 100 / tickets.tickets AS tasa_satisfaccion,
    CAST(tickets.resueltos AS DOUBLE) * 100 / tickets.tickets AS tasa_resolucion,
    CAST(tickets.con_cierre AS DOUBLE) * 100 / tickets.tickets AS tasa_resolucion_con_cierre,
    CAST(tickets.suma_respuesta_min AS DOUBLE) / NULLIF(tickets.con_respuesta, 0) AS tiempo_respuesta_min,
    COALESCE(nps.encuestas, 0) AS encuestas,
    COALESCE(nps.promotores, 0) AS promotores,
    COALESCE(nps.detractores, 0) AS detractores,
    nps.nps,
    nps.nps_nota_promedio
FROM tickets
FULL OUTER JOIN curated.nps_diario AS nps ON nps.fecha = tickets.fecha
