/*---
description: Mensajes de WhatsApp por día y remitente (cliente, asesor o bot), con sumas para agrupar más.
materialized: table
grain: [fecha, remitente]
checks:
  - not_null: [fecha, remitente, mensajes]
  - accepted_values: { remitente: [cliente, asesor, bot] }
---*/
SELECT
    fecha,
    remitente,
    min(anio_mes) AS anio_mes,
    count(*) AS mensajes,
    count(*) FILTER (WHERE estado_mensaje IN ('entregado', 'leido')) AS entregados,
    count(*) FILTER (WHERE es_leido) AS leidos,
    count(*) FILTER (WHERE tiene_archivo) AS con_archivo,
    count(*) FILTER (WHERE sentimiento = 'positivo') AS positivos,
    count(*) FILTER (WHERE sentimiento = 'neutro') AS neutros,
    count(*) FILTER (WHERE sentimiento = 'negativo') AS negativos
FROM processed.mensajes
GROUP BY fecha, remitente
