/*---
description: >-
  Cada cliente con todo lo que se sabe de su trato con el banco: tickets, encuestas, reseñas, llamadas, reclamos y
  mensajes, y cuántas señales de riesgo muestra.
materialized: table
grain: [cliente_id]
checks:
  - range: { satisfaccion_promedio: { min: 1, max: 5 } }
  - range: { senales_riesgo: { min: 0, max: 4 } }
  - name: un_registro_por_cliente
    sql: >-
      SELECT vistos.clientes, todos.clientes AS esperados
      FROM (SELECT count(*) AS clientes FROM curated.cliente_360) AS vistos
      CROSS JOIN (SELECT count(*) AS clientes FROM processed.clientes) AS todos
      WHERE vistos.clientes <> todos.clientes
---*/
WITH tickets AS (
    SELECT
        cliente_id,
        count(*) AS tickets,
        CAST(sum(satisfaccion_cliente) AS DOUBLE) / count(*) AS satisfaccion_promedio,
        count(*) FILTER (WHERE es_resuelto) AS tickets_resueltos,
        count(*) FILTER (WHERE NOT tiene_cierre) AS tickets_sin_cierre,
        max(fecha) AS ultimo_ticket
    FROM processed.tickets
    GROUP BY cliente_id
),

encuestas AS (
    SELECT
        cliente_id,
        count(*) AS encuestas,
        CAST(sum(nps) AS DOUBLE) / count(*) AS nps_nota_promedio,
        max(fecha) AS ultima_encuesta
    FROM processed.encuestas
    GROUP BY cliente_id
),

-- La nota más reciente; si hubo varias el mismo día, la más baja: la prudente.
ultima_nota AS (
    SELECT encuestas.cliente_id, min(todas.nps) AS ultima_nota_nps
    FROM encuestas
    JOIN processed.encuestas AS todas
        ON todas.cliente_id = encuestas.cliente_id
        AND todas.fecha = encuestas.ultima_encuesta
    GROUP BY encuestas.cliente_id
),

resenas AS (
    SELECT
        cliente_id,
        count(*) AS resenas,
        CAST(sum(puntaje) AS DOUBLE) / count(*) AS resenas_puntaje_promedio,
        max(fecha) AS ultima_resena
    FROM processed.resenas
    WHERE cliente_id IS NOT NULL
    GROUP BY cliente_id
),

llamadas AS (
    SELECT
        cliente_id,
        count(*) AS llamadas,
        CAST(sum(duracion_segundos) AS DOUBLE) / 60 AS minutos_en_llamadas,
        count(*) FILTER (WHERE sentimiento = 'negativo') AS llamadas_negativas,
        max(fecha) AS ultima_llamada
    FROM processed.llamadas
    GROUP BY cliente_id
),

reclamos AS (
    SELECT
        cliente_id,
        count(*) AS reclamos,
        count(*) FILTER (WHERE estado_plazo IN ('fuera_de_plazo', 'vencido')) AS reclamos_fuera_de_plazo,
        max(fecha) AS ultimo_reclamo
    FROM curated.reclamos_plazo
    GROUP BY cliente_id
),

mensajes AS (
    SELECT
        cliente_id,
        count(*) AS mensajes,
        count(*) FILTER (WHERE sentimiento = 'negativo') AS mensajes_negativos,
        max(fecha) AS ultimo_mensaje
    FROM processed.mensajes
    GROUP BY cliente_id
),

reunidos AS (
    SELECT
        clientes.cliente_id,
        clientes.segmento,
        clientes.grupo_edad,
        clientes.grupo_antiguedad,
        clientes.productos_activos,
        clientes.sucursal_afiliacion,
        clientes.canal_preferido,
        COALESCE(tickets.tickets, 0) AS tickets,
        tickets.satisfaccion_promedio,
        COALESCE(tickets.tickets_resueltos, 0) AS tickets_resueltos,
        COALESCE(tickets.tickets_sin_cierre, 0) AS tickets_sin_cierre,
        COALESCE(encuestas.encuestas, 0) AS encuestas,
        encuestas.nps_nota_promedio,
        ultima_nota.ultima_nota_nps,
        COALESCE(resenas.resenas, 0) AS resenas,
        resenas.resenas_puntaje_promedio,
        COALESCE(llamadas.llamadas, 0) AS llamadas,
        COALESCE(llamadas.minutos_en_llamadas, 0) AS minutos_en_llamadas,
        COALESCE(llamadas.llamadas_negativas, 0) AS llamadas_negativas,
        COALESCE(reclamos.reclamos, 0) AS reclamos,
        COALESCE(reclamos.reclamos_fuera_de_plazo, 0) AS reclamos_fuera_de_plazo,
        COALESCE(mensajes.mensajes, 0) AS mensajes,
        COALESCE(mensajes.mensajes_negativos, 0) AS mensajes_negativos,
        -- greatest pasa por alto los NULL: queda la fecha más reciente que exista.
        greatest(
            tickets.ultimo_ticket, encuestas.ultima_encuesta, resenas.ultima_resena, llamadas.ultima_llamada,
            reclamos.ultimo_reclamo, mensajes.ultimo_mensaje
        ) AS ultimo_contacto
    FROM processed.clientes AS clientes
    LEFT JOIN tickets ON tickets.cliente_id = clientes.cliente_id
    LEFT JOIN encuestas ON encuestas.cliente_id = clientes.cliente_id
    LEFT JOIN ultima_nota ON ultima_nota.cliente_id = clientes.cliente_id
    LEFT JOIN resenas ON resenas.cliente_id = clientes.cliente_id
    LEFT JOIN llamadas ON llamadas.cliente_id = clientes.cliente_id
    LEFT JOIN reclamos ON reclamos.cliente_id = clientes.cliente_id
    LEFT JOIN mensajes ON mensajes.cliente_id = clientes.cliente_id
)

SELECT
    *,
    tickets + encuestas + resenas + llamadas + reclamos + mensajes AS interacciones,
    CASE
        WHEN ultima_nota_nps >= 9 THEN 'promotor'
        WHEN ultima_nota_nps >= 7 THEN 'neutro'
        WHEN ultima_nota_nps >= 0 THEN 'detractor'
    END AS categoria_nps,
    -- Una señal por cada hecho: su última nota es de detractor, su satisfacción media es baja, presentó un reclamo,
    -- o la mitad o más de sus llamadas y mensajes suenan negativos.
    CAST(
        CASE WHEN ultima_nota_nps <= 6 THEN 1 ELSE 0 END
        + CASE WHEN satisfaccion_promedio < 2.5 THEN 1 ELSE 0 END
        + CASE WHEN reclamos > 0 THEN 1 ELSE 0 END
        + CASE
            WHEN llamadas + mensajes > 0 AND 2 * (llamadas_negativas + mensajes_negativos) >= llamadas + mensajes THEN 1
            ELSE 0
        END AS BIGINT
    ) AS senales_riesgo
FROM reunidos
