/*---
description: >-
  Los indicadores del banco, uno por fila, con su fórmula, su objetivo y si se cumple. Cada cociente divide sumas de todo
  el periodo; nunca promedia promedios.
materialized: view
grain: [kpi]
checks:
  - row_count: { min: 8 }
  - accepted_values: { estado: [cumple, no_cumple, sin_objetivo, sin_datos] }
columns:
  kpi: Nombre del indicador.
  valor: Valor en la unidad indicada, a seis decimales; NULL si no hay datos.
  unidad: Unidad del valor; los porcentajes van de 0 a 100.
  formula: Cómo se calcula, en una frase.
  objetivo: Meta en la misma unidad; NULL si nadie la ha fijado.
  estado: cumple, no_cumple, sin_objetivo o sin_datos.
---*/
WITH tickets AS (
    SELECT
        CAST(sum(tickets) AS DOUBLE) AS total,
        CAST(sum(suma_satisfaccion) AS DOUBLE) AS suma_satisfaccion,
        CAST(sum(satisfechos) AS DOUBLE) AS satisfechos,
        CAST(sum(resueltos) AS DOUBLE) AS resueltos,
        CAST(sum(con_cierre) AS DOUBLE) AS con_cierre,
        CAST(sum(con_respuesta) AS DOUBLE) AS con_respuesta,
        CAST(sum(suma_respuesta_min) AS DOUBLE) AS suma_respuesta_min,
        CAST(sum(con_resolucion) AS DOUBLE) AS con_resolucion,
        CAST(sum(suma_resolucion_horas) AS DOUBLE) AS suma_resolucion_horas
    FROM curated.metricas_diarias_canal
),

encuestas AS (
    SELECT
        CAST(sum(encuestas) AS DOUBLE) AS total,
        CAST(sum(promotores) AS DOUBLE) AS promotores,
        CAST(sum(detractores) AS DOUBLE) AS detractores,
        CAST(sum(suma_nps) AS DOUBLE) AS suma_nps
    FROM curated.nps_diario
),

reclamos AS (
    SELECT
        CAST(count(*) AS DOUBLE) AS total,
        CAST(count(*) FILTER (WHERE estado_plazo = 'en_plazo') AS DOUBLE) AS en_plazo,
        -- Lo pendiente aún puede cumplir; lo que cae fuera del calendario no se puede juzgar.
        CAST(count(*) FILTER (WHERE estado_plazo IN ('en_plazo', 'fuera_de_plazo', 'vencido')) AS DOUBLE) AS juzgados
    FROM curated.reclamos_plazo
),

resenas AS (
    SELECT
        CAST(sum(resenas) AS DOUBLE) AS total,
        CAST(sum(puntaje * resenas) AS DOUBLE) AS suma_puntaje
    FROM curated.resenas_semanales
),

llamadas AS (
    SELECT
        CAST(sum(llamadas) AS DOUBLE) AS total,
        CAST(sum(suma_segundos) AS DOUBLE) AS suma_segundos
    FROM curated.llamadas_diarias
),

whatsapp AS (
    SELECT
        CAST(sum(mensajes) AS DOUBLE) AS total,
        CAST(sum(leidos) AS DOUBLE) AS leidos
    FROM curated.whatsapp_diario
),

-- sentido: qué comparación con el objetivo cumple.
definiciones AS (
    SELECT *
    FROM (
        VALUES
            (1, 'satisfaccion_promedio', 'puntos (1 a 5)', 'suma de satisfaccion_cliente / tickets', CAST(4 AS DOUBLE), 'al_menos'),
            (2, 'nps', 'puntos (-100 a 100)', '(promotores − detractores) / encuestas × 100', CAST(0 AS DOUBLE), 'mas_que'),
            (3, 'csat', '%', 'tickets con satisfaccion_cliente ≥ 4 / tickets × 100', NULL, NULL),
            (4, 'tasa_resolucion', '%', 'tickets en estado resuelto / tickets × 100', NULL, NULL),
            (5, 'tasa_resolucion_con_cierre', '%', 'tickets en estado resuelto o cerrado / tickets × 100', NULL, NULL),
            (6, 'tiempo_respuesta_min', 'min', 'suma de tiempo_respuesta_min / tickets que lo tienen', NULL, NULL),
            (7, 'tiempo_resolucion_horas', 'h', 'suma de tiempo_resolucion_horas / tickets resueltos o cerrados que lo tienen', NULL, NULL),
            (8, 'reclamos_en_plazo', '%', 'reclamos respondidos en 15 días hábiles / reclamos respondidos o vencidos × 100', CAST(100 AS DOUBLE), 'al_menos'),
            (9, 'nps_nota_promedio', 'nota (0 a 10)', 'suma de las notas nps / encuestas; no es el NPS', NULL, NULL),
            (10, 'resenas_puntaje_promedio', 'estrellas (1 a 5)', 'suma de puntaje / reseñas', NULL, NULL),
            (11, 'llamadas_duracion_min', 'min', 'suma de duracion_segundos / 60 / llamadas', NULL, NULL),
            (12, 'whatsapp_tasa_lectura', '%', 'mensajes leídos / mensajes × 100', NULL, NULL),
            (13, 'tickets', 'tickets', 'número de tickets válidos', NULL, NULL),
            (14, 'encuestas', 'encuestas', 'número de encuestas válidas', NULL, NULL),
            (15, 'reclamos', 'reclamos', 'número de hojas del Libro de Reclamaciones', NULL, NULL)
    ) AS lista (orden, kpi, unidad, formula, objetivo, sentido)
),

valores AS (
    SELECT
        definiciones.*,
        CASE definiciones.kpi
            WHEN 'satisfaccion_promedio' THEN tickets.suma_satisfaccion / NULLIF(tickets.total, 0)
            WHEN 'nps' THEN (encuestas.promotores - encuestas.detractores) * 100 / NULLIF(encuestas.total, 0)
            WHEN 'csat' THEN tickets.satisfechos * 100 / NULLIF(tickets.total, 0)
            WHEN 'tasa_resolucion' THEN tickets.resueltos * 100 / NULLIF(tickets.total, 0)
            WHEN 'tasa_resolucion_con_cierre' THEN tickets.con_cierre * 100 / NULLIF(tickets.total, 0)
            WHEN 'tiempo_respuesta_min' THEN tickets.suma_respuesta_min / NULLIF(tickets.con_respuesta, 0)
            WHEN 'tiempo_resolucion_horas' THEN tickets.suma_resolucion_horas / NULLIF(tickets.con_resolucion, 0)
            WHEN 'reclamos_en_plazo' THEN reclamos.en_plazo * 100 / NULLIF(reclamos.juzgados, 0)
            WHEN 'nps_nota_promedio' THEN encuestas.suma_nps / NULLIF(encuestas.total, 0)
            WHEN 'resenas_puntaje_promedio' THEN resenas.suma_puntaje / NULLIF(resenas.total, 0)
            WHEN 'llamadas_duracion_min' THEN llamadas.suma_segundos / 60 / NULLIF(llamadas.total, 0)
            WHEN 'whatsapp_tasa_lectura' THEN whatsapp.leidos * 100 / NULLIF(whatsapp.total, 0)
            WHEN 'tickets' THEN tickets.total
            WHEN 'encuestas' THEN encuestas.total
            WHEN 'reclamos' THEN reclamos.total
        END AS valor
    FROM definiciones
    CROSS JOIN tickets
    CROSS JOIN encuestas
    CROSS JOIN reclamos
    CROSS JOIN resenas
    CROSS JOIN llamadas
    CROSS JOIN whatsapp
)

SELECT
    kpi,
    round(valor, 6) AS valor,
    unidad,
    formula,
    objetivo,
    CASE
        WHEN valor IS NULL THEN 'sin_datos'
        WHEN objetivo IS NULL THEN 'sin_objetivo'
        WHEN sentido = 'al_menos' AND valor >= objetivo THEN 'cumple'
        WHEN sentido = 'mas_que' AND valor > objetivo THEN 'cumple'
        ELSE 'no_cumple'
    END AS estado
FROM valores
ORDER BY orden
