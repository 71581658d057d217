/*---
description: >-
  Los reclamos por motivo frente al plazo legal de 15 días hábiles. tasa_en_plazo compara los respondidos a tiempo con
  los respondidos o vencidos; los pendientes aún pueden cumplir y no cuentan.
materialized: view
grain: [motivo]
checks:
  - range: { tasa_en_plazo: { min: 0, max: 100 } }
  - name: estados_suman_reclamos
    expression: en_plazo + fuera_de_plazo + vencidos + pendientes + sin_calendario = reclamos
---*/
WITH sumas AS (
    SELECT
        motivo,
        count(*) AS reclamos,
        count(*) FILTER (WHERE tiene_respuesta) AS respondidos,
        count(*) FILTER (WHERE estado_plazo = 'en_plazo') AS en_plazo,
        count(*) FILTER (WHERE estado_plazo = 'fuera_de_plazo') AS fuera_de_plazo,
        count(*) FILTER (WHERE estado_plazo = 'vencido') AS vencidos,
        count(*) FILTER (WHERE estado_plazo = 'pendiente') AS pendientes,
        count(*) FILTER (WHERE estado_plazo = 'sin_calendario') AS sin_calendario,
        count(*) FILTER (WHERE estado = 'en_indecopi') AS en_indecopi,
        CAST(sum(dias_habiles) AS DOUBLE) / NULLIF(count(dias_habiles), 0) AS dias_habiles_promedio,
        CAST(sum(dias_calendario) AS DOUBLE) / NULLIF(count(dias_calendario), 0) AS dias_calendario_promedio
    FROM curated.reclamos_plazo
    GROUP BY motivo
)

SELECT
    motivo,
    reclamos,
    round(CAST(reclamos AS DOUBLE) * 100 / sum(reclamos) OVER (), 6) AS porcentaje,
    respondidos,
    en_plazo,
    fuera_de_plazo,
    vencidos,
    pendientes,
    sin_calendario,
    en_indecopi,
    round(CAST(en_plazo AS DOUBLE) * 100 / NULLIF(en_plazo + fuera_de_plazo + vencidos, 0), 6) AS tasa_en_plazo,
    round(dias_habiles_promedio, 6) AS dias_habiles_promedio,
    round(dias_calendario_promedio, 6) AS dias_calendario_promedio
FROM sumas
ORDER BY reclamos DESC, motivo
