/*---
description: >-
  Los indicadores por mes, de todos los conjuntos de datos. Un mes sin nada de un conjunto tiene cero en su conteo y NULL
  en sus cocientes.
materialized: view
grain: [anio_mes]
checks:
  - range: { satisfaccion: { min: 1, max: 5 } }
  - range: { nps: { min: -100, max: 100 } }
---*/
WITH tickets AS (
    SELECT
        anio_mes,
        CAST(sum(tickets) AS BIGINT) AS tickets,
        CAST(sum(suma_satisfaccion) AS DOUBLE) AS suma_satisfaccion,
        CAST(sum(satisfechos) AS DOUBLE) AS satisfechos,
        CAST(sum(resueltos) AS DOUBLE) AS resueltos,
        CAST(sum(con_cierre) AS DOUBLE) AS con_cierre,
        CAST(sum(con_respuesta) AS DOUBLE) AS con_respuesta,
        CAST(sum(suma_respuesta_min) AS DOUBLE) AS suma_respuesta_min,
        CAST(sum(con_resolucion) AS DOUBLE) AS con_resolucion,
        CAST(sum(suma_resolucion_horas) AS DOUBLE) AS suma_resolucion_horas
    FROM curated.metricas_diarias_canal
    GROUP BY anio_mes
),

resenas AS (
    SELECT anio_mes, count(*) AS resenas, CAST(sum(puntaje) AS DOUBLE) AS suma_puntaje
    FROM processed.resenas
    GROUP BY anio_mes
),

llamadas AS (
    SELECT anio_mes, CAST(sum(llamadas) AS BIGINT) AS llamadas, CAST(sum(suma_segundos) AS DOUBLE) AS suma_segundos
    FROM curated.llamadas_diarias
    GROUP BY anio_mes
),

reclamos AS (
    SELECT
        anio_mes,
        count(*) AS reclamos,
        CAST(count(*) FILTER (WHERE estado_plazo = 'en_plazo') AS DOUBLE) AS en_plazo,
        count(*) FILTER (WHERE estado_plazo IN ('en_plazo', 'fuera_de_plazo', 'vencido')) AS juzgados
    FROM curated.reclamos_plazo
    GROUP BY anio_mes
),

mensajes AS (
    SELECT anio_mes, CAST(sum(mensajes) AS BIGINT) AS mensajes
    FROM curated.whatsapp_diario
    GROUP BY anio_mes
),

meses AS (
    SELECT anio_mes FROM tickets
    UNION SELECT anio_mes FROM curated.nps_mensual
    UNION SELECT anio_mes FROM resenas
    UNION SELECT anio_mes FROM llamadas
    UNION SELECT anio_mes FROM reclamos
    UNION SELECT anio_mes FROM mensajes
)

SELECT
    meses.anio_mes,
    COALESCE(tickets.tickets, 0) AS tickets,
    round(suma_satisfaccion / tickets.tickets, 6) AS satisfaccion,
    round(satisfechos * 100 / tickets.tickets, 6) AS csat,
    round(resueltos * 100 / tickets.tickets, 6) AS tasa_resolucion,
    round(con_cierre * 100 / tickets.tickets, 6) AS tasa_resolucion_con_cierre,
    round(suma_respuesta_min / NULLIF(con_respuesta, 0), 6) AS tiempo_respuesta_min,
    round(suma_resolucion_horas / NULLIF(con_resolucion, 0), 6) AS tiempo_resolucion_horas,
    COALESCE(nps.encuestas, 0) AS encuestas,
    round(nps.nps, 6) AS nps,
    COALESCE(resenas.resenas, 0) AS resenas,
    round(suma_puntaje / resenas.resenas, 6) AS resenas_puntaje_promedio,
    COALESCE(llamadas.llamadas, 0) AS llamadas,
    round(suma_segundos / 60 / llamadas.llamadas, 6) AS llamadas_duracion_min,
    COALESCE(reclamos.reclamos, 0) AS reclamos,
    round(en_plazo * 100 / NULLIF(juzgados, 0), 6) AS reclamos_en_plazo,
    COALESCE(mensajes.mensajes, 0) AS mensajes
FROM meses
LEFT JOIN tickets ON tickets.anio_mes = meses.anio_mes
LEFT JOIN curated.nps_mensual AS nps ON nps.anio_mes = meses.anio_mes
LEFT JOIN resenas ON resenas.anio_mes = meses.anio_mes
LEFT JOIN llamadas ON llamadas.anio_mes = meses.anio_mes
LEFT JOIN reclamos ON reclamos.anio_mes = meses.anio_mes
LEFT JOIN mensajes ON mensajes.anio_mes = meses.anio_mes
ORDER BY meses.anio_mes
