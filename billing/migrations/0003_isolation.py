from django.db import migrations

from tenants.isolation import Isolate, lookup_function

# The second wall under privileges: not even the owner's hand changes a document by mistake.
IMMUTABLE = """
CREATE FUNCTION billing_refuse() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    RAISE EXCEPTION '% of % is refused: it is part of a document', TG_OP, TG_TABLE_NAME USING ERRCODE = 'restrict_violation';
END $$;
CREATE TRIGGER billing_document_frozen BEFORE UPDATE ON billing_document
    FOR EACH ROW WHEN (OLD.state IN ('issued', 'dropped')) EXECUTE FUNCTION billing_refuse();
CREATE TRIGGER billing_document_kept BEFORE DELETE ON billing_document FOR EACH ROW EXECUTE FUNCTION billing_refuse();
CREATE TRIGGER billing_document_whole BEFORE TRUNCATE ON billing_document FOR EACH STATEMENT EXECUTE FUNCTION billing_refuse();
CREATE TRIGGER billing_documentline_frozen BEFORE UPDATE OR DELETE ON billing_documentline
    FOR EACH ROW EXECUTE FUNCTION billing_refuse();
CREATE TRIGGER billing_documentnumber_frozen BEFORE UPDATE OR DELETE ON billing_documentnumber
    FOR EACH ROW EXECUTE FUNCTION billing_refuse();
CREATE TRIGGER billing_series_onward BEFORE UPDATE ON billing_series
    FOR EACH ROW WHEN (NEW.last <> OLD.last + 1 OR (NEW.operator_id, NEW.kind, NEW.year) <> (OLD.operator_id, OLD.kind, OLD.year))
    EXECUTE FUNCTION billing_refuse();
CREATE TRIGGER billing_series_kept BEFORE DELETE ON billing_series FOR EACH ROW EXECUTE FUNCTION billing_refuse();
"""
UNDO = """
DROP TRIGGER billing_document_frozen ON billing_document;
DROP TRIGGER billing_document_kept ON billing_document;
DROP TRIGGER billing_document_whole ON billing_document;
DROP TRIGGER billing_documentline_frozen ON billing_documentline;
DROP TRIGGER billing_documentnumber_frozen ON billing_documentnumber;
DROP TRIGGER billing_series_onward ON billing_series;
DROP TRIGGER billing_series_kept ON billing_series;
DROP FUNCTION billing_refuse();
"""


class Migration(migrations.Migration):
    dependencies = [("billing", "0002_usage")]

    operations = [
        Isolate(
            [
                "BillingAccount",
                "BuyerVersion",
                "BillingMonth",
                "Plan",
                "PlanVersion",
                "PlanTier",
                "AccountPlan",
                "Series",
                "Document",
                "DocumentLine",
                "DocumentRendering",
            ]
        ),
        migrations.RunSQL(IMMUTABLE, UNDO),
        lookup_function("broker_tenants_with_pending_usage", "SELECT DISTINCT tenant_id FROM usage_pending"),
        lookup_function("broker_tenants_with_days_to_recount", "SELECT DISTINCT tenant_id FROM usage_recount WHERE counted_at IS NULL"),
    ]
