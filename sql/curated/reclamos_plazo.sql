/*---
description: >-
  Cada reclamo frente al plazo legal de 15 días hábiles. El plazo corre desde el día hábil siguiente a la presentación y
  lo detiene la fecha de respuesta, sea cual sea el estado. Lo no respondido se mide en el día más reciente que los
  reclamos mencionan, no en el de hoy.
materialized: table
grain: [reclamo_id]
checks:
  - not_null: [fecha, estado_plazo]
  - accepted_values: { estado_plazo: [en_plazo, fuera_de_plazo, vencido, pendiente, sin_calendario] }
  - range: { dias_habiles: { min: 0 } }
  - relationship: { reclamo_id: processed.reclamos.reclamo_id }
  - name: dentro_del_calendario
    severity: warn
    expression: estado_plazo <> 'sin_calendario'
  - name: habiles_no_mas_que_calendario
    expression: dias_habiles <= dias_calendario
  - name: en_plazo_es_15_dias_habiles_o_menos
    expression: estado_plazo = 'sin_calendario' OR (estado_plazo = 'en_plazo') = (dias_habiles <= 15)
---*/
WITH corte AS (
    SELECT greatest(max(fecha), max(fecha_respuesta)) AS fecha_corte
    FROM processed.reclamos
),

plazos AS (
    SELECT
        reclamos.reclamo_id,
        reclamos.fecha,
        reclamos.anio_mes,
        reclamos.cliente_id,
        reclamos.canal,
        reclamos.canal_normalizado,
        reclamos.motivo,
        reclamos.estado,
        reclamos.responsable,
        reclamos.fecha_respuesta,
        reclamos.tiene_respuesta,
        reclamos.dias_calendario,
        -- Responder en un día no hábil es responder el hábil siguiente: así 15 o menos es siempre estar en plazo.
        CASE
            WHEN reclamos.fecha_respuesta = reclamos.fecha THEN 0
            WHEN respuesta.es_habil THEN respuesta.habiles_acumulados - presentacion.habiles_acumulados
            ELSE respuesta.habiles_acumulados - presentacion.habiles_acumulados + 1
        END AS dias_habiles,
        vencimiento.fecha AS fecha_limite,
        corte.fecha_corte
    FROM processed.reclamos AS reclamos
    CROSS JOIN corte
    LEFT JOIN curated.calendario_habil AS presentacion ON presentacion.fecha = reclamos.fecha
    LEFT JOIN curated.calendario_habil AS respuesta ON respuesta.fecha = reclamos.fecha_respuesta
    -- El decimoquinto día hábil posterior a la presentación.
    LEFT JOIN curated.calendario_habil AS vencimiento
        ON vencimiento.es_habil
        AND vencimiento.habiles_acumulados = presentacion.habiles_acumulados + 15
)

SELECT
    *,
    CASE
        WHEN fecha_limite IS NULL THEN 'sin_calendario'
        WHEN fecha_respuesta <= fecha_limite THEN 'en_plazo'
        WHEN fecha_respuesta > fecha_limite THEN 'fuera_de_plazo'
        WHEN fecha_corte > fecha_limite THEN 'vencido'
        ELSE 'pendiente'
    END AS estado_plazo
FROM plazos
