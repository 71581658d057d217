/*---
description: Los mensajes de WhatsApp por remitente (cliente, asesor o bot), con su entrega, lectura y sentimiento.
materialized: view
grain: [remitente]
checks:
  - range: { tasa_entrega: { min: 0, max: 100 } }
  - range: { tasa_lectura: { min: 0, max: 100 } }
  - range: { sentimiento: { min: -1, max: 1 } }
columns:
  tasa_entrega: Mensajes entregados o leídos / mensajes × 100.
  sentimiento: (positivos − negativos) / mensajes con sentimiento, de −1 a 1.
---*/
WITH sumas AS (
    SELECT
        remitente,
        CAST(sum(mensajes) AS BIGINT) AS mensajes,
        CAST(sum(entregados) AS BIGINT) AS entregados,
        CAST(sum(leidos) AS BIGINT) AS leidos,
        CAST(sum(con_archivo) AS BIGINT) AS con_archivo,
        CAST(sum(positivos) AS BIGINT) AS positivos,
        CAST(sum(neutros) AS BIGINT) AS neutros,
        CAST(sum(negativos) AS BIGINT) AS negativos
    FROM curated.whatsapp_diario
    GROUP BY remitente
)

SELECT
    remitente,
    mensajes,
    round(CAST(mensajes AS DOUBLE) * 100 / sum(mensajes) OVER (), 6) AS porcentaje,
    round(CAST(entregados AS DOUBLE) * 100 / mensajes, 6) AS tasa_entrega,
    round(CAST(leidos AS DOUBLE) * 100 / mensajes, 6) AS tasa_lectura,
    round(CAST(con_archivo AS DOUBLE) * 100 / mensajes, 6) AS porcentaje_con_archivo,
    positivos,
    neutros,
    negativos,
    round(CAST(positivos - negativos AS DOUBLE) / NULLIF(positivos + neutros + negativos, 0), 6) AS sentimiento
FROM sumas
ORDER BY mensajes DESC, remitente
