//! The Spanish of Peru for the `fake` crate, which ships no Spanish: names and everyday words.
//!
//! The words hold no comma, quote or line break; what a CSV file must quote is decided by [`super::text`] alone.

use fake::locales::Data;

/// Spanish as spoken in Peru.
#[derive(Debug, Clone, Copy)]
pub(super) struct EsPe;

#[rustfmt::skip]
impl Data for EsPe {
    const NAME_FIRST_NAME: &'static [&'static str] = &[
        "Abel", "Adriana", "Alberto", "Alejandra", "Alejandro", "Alessandra", "Alfredo", "Alicia", "Álvaro", "Ana",
        "Andrea", "Andrés", "Ángel", "Ángela", "Antonio", "Armando", "Arturo", "Beatriz", "Blanca", "Brenda",
        "Camila", "Carla", "Carlos", "Carmen", "Carolina", "Cecilia", "César", "Christian", "Claudia", "Cristina",
        "Daniel", "Daniela", "David", "Diana", "Diego", "Doris", "Edgar", "Edith", "Eduardo", "Elena", "Elizabeth",
        "Elmer", "Elsa", "Emilio", "Enrique", "Erika", "Ernesto", "Esteban", "Esther", "Eva", "Fabiola", "Felipe",
        "Fernanda", "Fernando", "Fiorella", "Flor", "Francisco", "Gabriel", "Gabriela", "Gerardo", "Giovanna",
        "Gladys", "Gloria", "Gonzalo", "Guadalupe", "Guillermo", "Gustavo", "Héctor", "Hilda", "Hugo", "Ignacio",
        "Inés", "Irma", "Isabel", "Iván", "Jaime", "Javier", "Jesús", "Jimena", "Joaquín", "Jorge", "José", "Juan",
        "Juana", "Julia", "Julio", "Karina", "Katherine", "Laura", "Leonardo", "Leticia", "Liliana", "Lourdes",
        "Lucero", "Lucía", "Luis", "Luz", "Manuel", "Marco", "Margarita", "María", "Mariana", "Mario", "Maritza",
        "Martín", "Mercedes", "Micaela", "Miguel", "Milagros", "Miriam", "Mónica", "Nancy", "Natalia", "Nelson",
        "Nicolás", "Norma", "Óscar", "Pablo", "Paola", "Patricia", "Paul", "Pedro", "Percy", "Pilar", "Rafael",
        "Ramón", "Raúl", "Renato", "Renzo", "Ricardo", "Roberto", "Rocío", "Rodrigo", "Rolando", "Rosa", "Rosario",
        "Rubén", "Ruth", "Samuel", "Sandra", "Santiago", "Sara", "Sebastián", "Sergio", "Silvia", "Sofía", "Sonia",
        "Susana", "Teresa", "Tomás", "Valeria", "Vanessa", "Verónica", "Víctor", "Vilma", "Walter", "Wilder",
        "Ximena", "Yolanda", "Zoila",
    ];
    const NAME_LAST_NAME: &'static [&'static str] = &[
        "Acosta", "Acuña", "Aguilar", "Alarcón", "Alvarado", "Álvarez", "Apaza", "Aquino", "Arce", "Arias", "Ayala",
        "Bautista", "Becerra", "Benites", "Bravo", "Bustamante", "Cáceres", "Calderón", "Camacho", "Campos",
        "Cárdenas", "Carrasco", "Carrillo", "Castillo", "Castro", "Ccori", "Chávez", "Chunga", "Condori", "Contreras",
        "Córdova", "Cornejo", "Cruz", "Cueva", "Delgado", "Díaz", "Domínguez", "Escobar", "Espinoza", "Estrada",
        "Farfán", "Fernández", "Figueroa", "Flores", "Fuentes", "Gallardo", "Gálvez", "Gamarra", "García", "Garay",
        "Gómez", "Gonzales", "Guerrero", "Gutiérrez", "Guzmán", "Heredia", "Hernández", "Herrera", "Hinostroza",
        "Huamán", "Huanca", "Huertas", "Hurtado", "Ibáñez", "Jara", "Jiménez", "Lara", "Lazo", "León", "Linares",
        "Llanos", "López", "Lozano", "Luna", "Mamani", "Manrique", "Marín", "Márquez", "Martínez", "Medina",
        "Mejía", "Meléndez", "Mendoza", "Meza", "Miranda", "Molina", "Montenegro", "Montoya", "Morales", "Moreno",
        "Moscoso", "Muñoz", "Navarro", "Neyra", "Núñez", "Ochoa", "Olivera", "Ordóñez", "Ortega", "Ortiz", "Pacheco",
        "Palacios", "Palomino", "Paredes", "Paz", "Peña", "Peralta", "Pereda", "Pérez", "Pinedo", "Ponce", "Prado",
        "Quiroz", "Quispe", "Ramírez", "Ramos", "Rengifo", "Reyes", "Ríos", "Rivas", "Rivera", "Robles", "Rodríguez",
        "Rojas", "Romero", "Rosales", "Ruiz", "Saavedra", "Salas", "Salazar", "Salcedo", "Sánchez", "Sandoval",
        "Santos", "Serrano", "Silva", "Solís", "Soto", "Suárez", "Tapia", "Tello", "Ticona", "Toledo", "Torres",
        "Ugarte", "Valdivia", "Valencia", "Valverde", "Vargas", "Vásquez", "Vega", "Velarde", "Ventura", "Vera",
        "Vidal", "Vilca", "Villanueva", "Yupanqui", "Zapata", "Zavala", "Zegarra", "Zevallos", "Zúñiga",
    ];
    const LOREM_WORD: &'static [&'static str] = &[
        "acuerdo", "adelanto", "además", "agencia", "agente", "agradezco", "ahora", "ahorro", "alguien", "algún",
        "allí", "alternativa", "amable", "anoche", "antes", "anterior", "año", "apoyo", "aprobación", "aquí", "área",
        "asesor", "asunto", "atención", "aumento", "aún", "ayer", "ayuda", "banco", "bastante", "bien", "bloqueo",
        "boleta", "bueno", "buscar", "cada", "cajero", "calidad", "cambio", "canal", "cantidad", "cargo", "cartilla",
        "casi", "caso", "celular", "cerca", "cierre", "ciudad", "claro", "clave", "cliente", "cobro", "código",
        "cola", "comisión", "como", "compra", "con", "confianza", "confirmar", "consumo", "contrato", "correcto",
        "correo", "corto", "crédito", "cualquier", "cuando", "cuenta", "cuota", "dato", "débito", "decir", "demora",
        "dentro", "depósito", "derecho", "descuento", "desde", "después", "detalle", "día", "dinero", "dirección",
        "distinto", "documento", "dólares", "donde", "dos", "duda", "efectivo", "ejecutivo", "ella", "empresa",
        "en", "encontrar", "enero", "entidad", "entonces", "entre", "envío", "error", "escribir", "esperar",
        "espera", "estado", "este", "evaluar", "explicación", "extracto", "fácil", "falta", "familia", "fecha",
        "final", "firma", "folleto", "forma", "fuera", "gasto", "gente", "gestión", "gracias", "grande", "gratis",
        "hacer", "hasta", "historial", "hoja", "hora", "horario", "hoy", "importe", "incluso", "indicar", "informe",
        "inicio", "inmediato", "intento", "interés", "jueves", "junto", "largo", "lento", "libre", "límite", "línea",
        "llamada", "llegar", "lugar", "lunes", "luego", "mal", "mañana", "martes", "mayor", "mejor", "menos", "mes",
        "mensaje", "mi", "mientras", "minuto", "mismo", "modo", "moneda", "monto", "motivo", "mucho", "muy", "nada",
        "negocio", "ninguno", "nivel", "noche", "nombre", "norma", "nosotros", "nota", "nuevo", "número", "nunca",
        "oferta", "oficina", "opción", "operación", "orden", "otro", "pagar", "pago", "papel", "para", "parece",
        "parte", "paso", "pedido", "pendiente", "pequeño", "perder", "permiso", "pero", "persona", "plazo", "poco",
        "poder", "póliza", "por", "porque", "precio", "pregunta", "préstamo", "primero", "problema", "proceso",
        "producto", "pronto", "propio", "próximo", "punto", "queja", "quincena", "rápido", "razón", "recibir",
        "recibo", "registro", "respuesta", "retiro", "revisar", "saldo", "seguro", "semana", "sencillo", "señor",
        "señora", "servicio", "siempre", "sin", "sistema", "sobre", "soles", "solicitud", "solución", "sueldo",
        "tabla", "también", "tarde", "tarjeta", "tasa", "teléfono", "tiempo", "tienda", "tipo", "todavía", "todo",
        "trámite", "transferencia", "tres", "último", "único", "urgente", "usuario", "valor", "varios", "veces",
        "ventanilla", "verdad", "vez", "viaje", "viernes", "vuelta", "ya", "zona",
    ];
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_need_no_quoting_and_stand_once() {
        for list in [EsPe::NAME_FIRST_NAME, EsPe::NAME_LAST_NAME, EsPe::LOREM_WORD] {
            let mut words = list.to_vec();
            words.sort_unstable();
            words.dedup();
            assert_eq!(words.len(), list.len(), "a word stands twice");
            assert!(list.iter().all(|word| word.chars().all(char::is_alphabetic)), "a word is not only letters");
        }
    }
}
