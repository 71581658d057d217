/*---
description: >-
  Tickets por asesor, canal y mes. La regla de "al menos 10 tickets" no borra filas: muestra_suficiente dice si las hay,
  y satisfaccion_ajustada acerca a la media general a quien tiene pocas.
materialized: table
grain: [asesor_id, canal, anio_mes]
checks:
  - not_null: [asesor_id, canal, anio_mes, tickets]
  - range: { satisfaccion_promedio: { min: 1, max: 5 } }
  - range: { satisfaccion_ajustada: { min: 1, max: 5 } }
  - range: { tasa_resolucion: { min: 0, max: 100 } }
---*/
WITH general AS (
    SELECT CAST(sum(satisfaccion_cliente) AS DOUBLE) / count(*) AS satisfaccion
    FROM processed.tickets
),

-- Primero por cliente: así contar clientes es contar filas, sin un count(DISTINCT …) en miles de grupos.
por_cliente AS (
    SELECT
        asesor_id,
        canal,
        anio_mes,
        cliente_id,
        count(*) AS tickets,
        sum(satisfaccion_cliente) AS suma_satisfaccion,
        count(*) FILTER (WHERE es_resuelto) AS resueltos,
        count(*) FILTER (WHERE tiene_cierre) AS con_cierre,
        count(tiempo_respuesta_min) AS con_respuesta,
        COALESCE(sum(tiempo_respuesta_min), 0) AS suma_respuesta_min
    FROM processed.tickets
    GROUP BY asesor_id, canal, anio_mes, cliente_id
),

sumas AS (
    SELECT
        asesor_id,
        canal,
        anio_mes,
        CAST(sum(tickets) AS BIGINT) AS tickets,
        count(*) AS clientes_atendidos,
        CAST(sum(suma_satisfaccion) AS BIGINT) AS suma_satisfaccion,
        CAST(sum(resueltos) AS BIGINT) AS resueltos,
        CAST(sum(con_cierre) AS BIGINT) AS con_cierre,
        CAST(sum(con_respuesta) AS BIGINT) AS con_respuesta,
        CAST(sum(suma_respuesta_min) AS BIGINT) AS suma_respuesta_min
    FROM por_cliente
    GROUP BY asesor_id, canal, anio_mes
)

SELECT
    sumas.*,
    CAST(suma_satisfaccion AS DOUBLE) / tickets AS satisfaccion_promedio,
    -- Como si cada asesor tuviera además 10 tickets con la satisfacción media de todos.
    (suma_satisfaccion + 10 * general.satisfaccion) / (tickets + 10) AS satisfaccion_ajustada,
    CAST(resueltos AS DOUBLE) * 100 / tickets AS tasa_resolucion,
    CAST(con_cierre AS DOUBLE) * 100 / tickets AS tasa_resolucion_con_cierre,
    CAST(suma_respuesta_min AS DOUBLE) / NULLIF(con_respuesta, 0) AS tiempo_respuesta_min,
    tickets >= 10 AS muestra_suficiente
FROM sumas
CROSS JOIN general
