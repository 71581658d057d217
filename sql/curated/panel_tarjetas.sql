/*---
description: >-
  Las cuatro tarjetas del panel: el valor del día más reciente con tickets, el del día anterior con tickets y si el cambio
  es una mejora. Cada valor es el cociente de las sumas del día, no la media de los canales.
materialized: view
grain: [tarjeta]
checks:
  - accepted_values: { tarjeta: [satisfaccion_promedio, tickets, tasa_resolucion, tiempo_respuesta_min] }
columns:
  mejora: true si el cambio es bueno; en los tiempos, bajar es mejorar. NULL donde ni subir ni bajar es bueno en sí.
---*/
WITH dias AS (
    SELECT
        fecha,
        tickets,
        satisfaccion_promedio,
        tasa_resolucion,
        tiempo_respuesta_min,
        row_number() OVER (ORDER BY fecha DESC) AS puesto
    FROM curated.metricas_diarias
    WHERE tickets > 0
),

largas AS (
    SELECT 1 AS orden, 'satisfaccion_promedio' AS tarjeta, puesto, fecha, satisfaccion_promedio AS valor, 1 AS sentido
    FROM dias
    WHERE puesto <= 2
    UNION ALL
    SELECT 2, 'tickets', puesto, fecha, CAST(tickets AS DOUBLE), 0
    FROM dias
    WHERE puesto <= 2
    UNION ALL
    SELECT 3, 'tasa_resolucion', puesto, fecha, tasa_resolucion, 1
    FROM dias
    WHERE puesto <= 2
    UNION ALL
    SELECT 4, 'tiempo_respuesta_min', puesto, fecha, tiempo_respuesta_min, -1
    FROM dias
    WHERE puesto <= 2
),

juntas AS (
    SELECT
        orden,
        tarjeta,
        sentido,
        max(fecha) FILTER (WHERE puesto = 1) AS fecha,
        max(valor) FILTER (WHERE puesto = 1) AS valor,
        max(fecha) FILTER (WHERE puesto = 2) AS fecha_anterior,
        max(valor) FILTER (WHERE puesto = 2) AS valor_anterior
    FROM largas
    GROUP BY orden, tarjeta, sentido
)

SELECT
    tarjeta,
    fecha,
    round(valor, 6) AS valor,
    fecha_anterior,
    round(valor_anterior, 6) AS valor_anterior,
    round(valor - valor_anterior, 6) AS cambio,
    CASE
        WHEN sentido = 1 THEN valor > valor_anterior
        WHEN sentido = -1 THEN valor < valor_anterior
    END AS mejora
FROM juntas
ORDER BY orden
