/*---
description: >-
  Los indicadores de atención por departamento, que es el subtipo del ticket.
materialized: view
grain: [departamento]
checks:
  - name: valores_en_rango
    expression: >-
      porcentaje BETWEEN 0 AND 100 AND satisfaccion BETWEEN 1 AND 5 AND tasa_resolucion BETWEEN 0 AND 100
      AND COALESCE(nps, 0) BETWEEN -100 AND 100
---*/
WITH tickets AS (
    SELECT
        subtipo AS departamento,
        count(*) AS tickets,
        count(DISTINCT cliente_id) AS clientes_unicos,
        CAST(sum(satisfaccion_cliente) AS DOUBLE) AS suma_satisfaccion,
        CAST(count(*) FILTER (WHERE es_satisfecho) AS DOUBLE) AS satisfechos,
        CAST(count(*) FILTER (WHERE es_resuelto) AS DOUBLE) AS resueltos,
        CAST(count(*) FILTER (WHERE tiene_cierre) AS DOUBLE) AS con_cierre,
        CAST(sum(tiempo_respuesta_min) AS DOUBLE) AS suma_respuesta_min,
        count(tiempo_respuesta_min) AS con_respuesta,
        CAST(sum(tiempo_resolucion_horas) FILTER (WHERE tiene_cierre) AS DOUBLE) AS suma_resolucion_horas,
        count(tiempo_resolucion_horas) FILTER (WHERE tiene_cierre) AS con_resolucion
    FROM processed.tickets
    GROUP BY subtipo
),

-- El NPS de un departamento es el de las encuestas de sus propios tickets.
encuestas AS (
    SELECT
        tickets.subtipo AS departamento,
        count(*) AS encuestas,
        CAST(count(*) FILTER (WHERE encuestas.categoria_nps = 'promotor') AS DOUBLE) AS promotores,
        CAST(count(*) FILTER (WHERE encuestas.categoria_nps = 'detractor') AS DOUBLE) AS detractores
    FROM processed.encuestas AS encuestas
    JOIN processed.tickets AS tickets ON tickets.ticket_id = encuestas.ticket_id
    GROUP BY tickets.subtipo
)

SELECT
    tickets.departamento,
    tickets.tickets,
    round(CAST(tickets.tickets AS DOUBLE) * 100 / sum(tickets.tickets) OVER (), 6) AS porcentaje,
    round(suma_satisfaccion / tickets.tickets, 6) AS satisfaccion,
    round(satisfechos * 100 / tickets.tickets, 6) AS csat,
    round(resueltos * 100 / tickets.tickets, 6) AS tasa_resolucion,
    round(con_cierre * 100 / tickets.tickets, 6) AS tasa_resolucion_con_cierre,
    round(suma_respuesta_min / NULLIF(con_respuesta, 0), 6) AS tiempo_respuesta_min,
    round(suma_resolucion_horas / NULLIF(con_resolucion, 0), 6) AS tiempo_resolucion_horas,
    clientes_unicos,
    COALESCE(encuestas.encuestas, 0) AS encuestas,
    round((promotores - detractores) * 100 / encuestas.encuestas, 6) AS nps
FROM tickets
LEFT JOIN encuestas ON encuestas.departamento = tickets.departamento
ORDER BY tickets.tickets DESC, tickets.departamento
