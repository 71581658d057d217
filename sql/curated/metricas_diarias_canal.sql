/*---
description: >-
  Tickets por día y canal. Guarda sumas y conteos además de sus cocientes: quien agrupe más (mes, canal) suma y divide,
  nunca promedia promedios. No lleva NPS, que no es del canal: está en curated.nps_diario.
materialized: table
grain: [fecha, canal]
checks:
  - row_count: { min: 1 }
  - not_null: [fecha, canal, canal_normalizado, tickets]
  - range: { tasa_satisfaccion: { min: 0, max: 100 } }
  - range: { tasa_resolucion: { min: 0, max: 100 } }
  - range: { tasa_resolucion_con_cierre: { min: 0, max: 100 } }
  - range: { satisfaccion_promedio: { min: 1, max: 5 } }
  - name: ningun_ticket_se_pierde
    sql: >-
      SELECT diarias.tickets, todos.tickets AS esperados
      FROM (SELECT sum(tickets) AS tickets FROM curated.metricas_diarias_canal) AS diarias
      CROSS JOIN (SELECT count(*) AS tickets FROM processed.tickets) AS todos
      WHERE diarias.tickets <> todos.tickets
  # Los tickets son la población mayor: un conjunto más grande suele ser una carga repetida.
  - name: ningun_conjunto_supera_a_los_tickets
    severity: warn
    sql: >-
      WITH conjuntos AS (
        SELECT 'clientes' AS conjunto, count(*) AS filas FROM processed.clientes
        UNION ALL SELECT 'encuestas', count(*) FROM processed.encuestas
        UNION ALL SELECT 'resenas', count(*) FROM processed.resenas
        UNION ALL SELECT 'llamadas', count(*) FROM processed.llamadas
        UNION ALL SELECT 'reclamos', count(*) FROM processed.reclamos
        UNION ALL SELECT 'mensajes', count(*) FROM processed.mensajes)
      SELECT conjunto, filas FROM conjuntos
      WHERE filas > (SELECT sum(tickets) FROM curated.metricas_diarias_canal)
  # Cada conjunto debe abarcar al menos el 30 % del periodo de todos.
  - name: cada_conjunto_cubre_el_periodo
    severity: warn
    sql: >-
      WITH tramos AS (
        SELECT 'tickets' AS conjunto, min(fecha) AS desde, max(fecha) AS hasta FROM processed.tickets
        UNION ALL SELECT 'encuestas', min(fecha), max(fecha) FROM processed.encuestas
        UNION ALL SELECT 'resenas', min(fecha), max(fecha) FROM processed.resenas
        UNION ALL SELECT 'llamadas', min(fecha), max(fecha) FROM processed.llamadas
        UNION ALL SELECT 'reclamos', min(fecha), max(fecha) FROM processed.reclamos
        UNION ALL SELECT 'mensajes', min(fecha), max(fecha) FROM processed.mensajes)
      SELECT conjunto, desde, hasta FROM tramos
      WHERE CAST(hasta - desde AS DOUBLE) < 0.3 * (SELECT CAST(max(hasta) - min(desde) AS DOUBLE) FROM tramos)
---*/
WITH sumas AS (
    SELECT
        fecha,
        canal,
        min(anio_mes) AS anio_mes,
        min(canal_normalizado) AS canal_normalizado,
        count(*) AS tickets,
        CAST(sum(satisfaccion_cliente) AS BIGINT) AS suma_satisfaccion,
        count(*) FILTER (WHERE es_satisfecho) AS satisfechos,
        count(*) FILTER (WHERE es_resuelto) AS resueltos,
        count(*) FILTER (WHERE tiene_cierre) AS con_cierre,
        count(tiempo_respuesta_min) AS con_respuesta,
        CAST(COALESCE(sum(tiempo_respuesta_min), 0) AS BIGINT) AS suma_respuesta_min,
        -- Solo lo resuelto o cerrado tiene un tiempo de resolución: el de un ticket abierto aún no ha ocurrido.
        count(tiempo_resolucion_horas) FILTER (WHERE tiene_cierre) AS con_resolucion,
        CAST(COALESCE(sum(tiempo_resolucion_horas) FILTER (WHERE tiene_cierre), 0) AS BIGINT) AS suma_resolucion_horas
    FROM processed.tickets
    GROUP BY fecha, canal
),

-- Contar pares distintos ya reducidos cuesta menos que un count(DISTINCT …) en miles de grupos.
clientes AS (
    SELECT fecha, canal, count(*) AS clientes_unicos
    FROM (SELECT DISTINCT fecha, canal, cliente_id FROM processed.tickets) AS pares
    GROUP BY fecha, canal
),

asesores AS (
    SELECT fecha, canal, count(*) AS asesores_activos
    FROM (SELECT DISTINCT fecha, canal, asesor_id FROM processed.tickets) AS pares
    GROUP BY fecha, canal
)

SELECT
    sumas.fecha,
    anio_mes,
    sumas.canal,
    canal_normalizado,
    tickets,
    clientes_unicos,
    asesores_activos,
    suma_satisfaccion,
    satisfechos,
    resueltos,
    con_cierre,
    con_respuesta,
    suma_respuesta_min,
    con_resolucion,
    suma_resolucion_horas,
    CAST(suma_satisfaccion AS DOUBLE) / tickets AS satisfaccion_promedio,
    CAST(satisfechos AS DOUBLE) * 100 / tickets AS tasa_satisfaccion,
    CAST(resueltos AS DOUBLE) * 100 / tickets AS tasa_resolucion,
    CAST(con_cierre AS DOUBLE) * 100 / tickets AS tasa_resolucion_con_cierre,
    CAST(suma_respuesta_min AS DOUBLE) / NULLIF(con_respuesta, 0) AS tiempo_respuesta_min,
    CAST(suma_resolucion_horas AS DOUBLE) / NULLIF(con_resolucion, 0) AS tiempo_resolucion_horas
FROM sumas
JOIN clientes ON clientes.fecha = sumas.fecha AND clientes.canal = sumas.canal
JOIN asesores ON asesores.fecha = sumas.fecha AND asesores.canal = sumas.canal
