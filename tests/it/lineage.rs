//! What a column is made from, and what is made from it.

use insta::assert_snapshot;

use crate::support::project::TestProject;

#[test]
fn columns_are_followed_through_all_models() {
    // Without data and without a release: the files of the project are enough.
    let bank = TestProject::bank();
    assert_snapshot!("lineage_up", bank.cauce(&["lineage", "kpi_canal.nps", "--up"]).success());
    assert_snapshot!("lineage_down", bank.cauce(&["lineage", "raw.encuestas_post_atencion.nps", "--down"]).success());

    let shop = TestProject::shop();
    assert_snapshot!("lineage_both", shop.cauce(&["lineage", "ventas.monto"]).success());
    assert_snapshot!("lineage_table", shop.cauce(&["lineage", "total", "--up"]).success());
    assert_snapshot!("lineage_mermaid", shop.cauce(&["lineage", "total.total", "--format", "mermaid"]).success());
    assert_snapshot!("lineage_json", shop.cauce(&["lineage", "total.total", "--up", "--format", "json"]).success());
    assert_snapshot!("lineage_no_column", shop.cauce(&["lineage", "total.totl"]).code(2));
    assert_snapshot!("lineage_no_table", shop.cauce(&["lineage", "totl.x"]).code(2));
}
