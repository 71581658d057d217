/*---
description: >-
  Calendario peruano de 2022 a 2027, una fila por día: si es hábil (lunes a viernes que no es feriado nacional) y cuántos
  días hábiles van acumulados, para contar plazos legales con una resta.
materialized: table
grain: [fecha]
checks:
  - row_count: { min: 2191, max: 2191 }
  - not_null: [es_habil, habiles_acumulados]
---*/
WITH dias AS (
    SELECT DATE '2022-01-01' + CAST(numero AS INTEGER) AS fecha
    FROM (SELECT unnest(generate_series(0, 2190)) AS numero) AS numeros
),

-- Feriados de fecha fija del artículo 6 del Decreto Legislativo 713 y el primer año de este calendario en que rigen.
feriados_fijos AS (
    SELECT *
    FROM (
        VALUES
            (1, 1, 'Año Nuevo', 2022),
            (5, 1, 'Día del Trabajo', 2022),
            (6, 7, 'Batalla de Arica y Día de la Bandera', 2024),
            (6, 29, 'San Pedro y San Pablo', 2022),
            (7, 23, 'Día de la Fuerza Aérea del Perú', 2023),
            (7, 28, 'Fiestas Patrias', 2022),
            (7, 29, 'Fiestas Patrias', 2022),
            (8, 6, 'Batalla de Junín', 2022),
            (8, 30, 'Santa Rosa de Lima', 2022),
            (10, 8, 'Combate de Angamos', 2022),
            (11, 1, 'Todos los Santos', 2022),
            (12, 8, 'Inmaculada Concepción', 2022),
            (12, 9, 'Batalla de Ayacucho', 2022),
            (12, 25, 'Navidad', 2022)
    ) AS lista (mes, dia, feriado, desde_anio)
),

-- Jueves y Viernes Santo: se mueven con la Pascua.
feriados_moviles AS (
    SELECT *
    FROM (
        VALUES
            (DATE '2022-04-14', 'Jueves Santo'), (DATE '2022-04-15', 'Viernes Santo'),
            (DATE '2023-04-06', 'Jueves Santo'), (DATE '2023-04-07', 'Viernes Santo'),
            (DATE '2024-03-28', 'Jueves Santo'), (DATE '2024-03-29', 'Viernes Santo'),
            (DATE '2025-04-17', 'Jueves Santo'), (DATE '2025-04-18', 'Viernes Santo'),
            (DATE '2026-04-02', 'Jueves Santo'), (DATE '2026-04-03', 'Viernes Santo'),
            (DATE '2027-03-25', 'Jueves Santo'), (DATE '2027-03-26', 'Viernes Santo')
    ) AS lista (fecha, feriado)
),

marcados AS (
    SELECT
        dias.fecha,
        COALESCE(fijos.feriado, moviles.feriado) AS feriado,
        CAST(EXTRACT(ISODOW FROM dias.fecha) AS BIGINT) AS dia_semana
    FROM dias
    LEFT JOIN feriados_fijos AS fijos
        ON fijos.mes = EXTRACT(MONTH FROM dias.fecha)
        AND fijos.dia = EXTRACT(DAY FROM dias.fecha)
        AND fijos.desde_anio <= EXTRACT(YEAR FROM dias.fecha)
    LEFT JOIN feriados_moviles AS moviles ON moviles.fecha = dias.fecha
)

SELECT
    fecha,
    dia_semana,
    feriado,
    dia_semana <= 5 AND feriado IS NULL AS es_habil,
    CAST(
        sum(CASE WHEN dia_semana <= 5 AND feriado IS NULL THEN 1 ELSE 0 END)
            OVER (ORDER BY fecha ROWS BETWEEN UNBOUNDED PRECEDING AND CURRENT ROW) AS BIGINT
    ) AS habiles_acumulados
FROM marcados
