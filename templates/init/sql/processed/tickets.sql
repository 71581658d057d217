/*---
description: Un registro por ticket, con el mes y el cliente bajo seudónimo.
materialized: table
grain: [ticket_id]
checks:
  - row_count: { min: 1 }
  - range: { satisfaccion: { min: 1, max: 5 } }
  - accepted_values: { canal: [telefono, chat, email] }
  - accepted_values: { estado: [abierto, resuelto] }
columns:
  anio_mes: Mes de apertura, como 2025-01.
---*/
SELECT
    ticket_id,
    fecha_hora,
    substr(CAST(fecha_hora AS VARCHAR), 1, 7) AS anio_mes,
    pseudonym(cliente_id) AS cliente_id,
    canal,
    estado,
    satisfaccion,
    comentario
FROM raw.tickets
