"""The OpenAPI document: valid, and with examples that the API itself would accept."""

from __future__ import annotations

from openapi_spec_validator import validate

from api.routers.campaigns.examples import CAMPAIGN
from api.routers.campaigns.schemas import CampaignIn
from tests.support.api import Api


def test_the_document_is_valid_and_shows_campaigns(shared: Api) -> None:
    document = shared.get("/openapi.json").json()
    validate(document)
    post = document["paths"]["/v1/campaigns"]["post"]
    assert post["responses"]["201"]["content"]["application/json"]["example"]["status"] == "draft"


def test_the_example_of_a_campaign_is_one(shared: Api) -> None:
    example = CampaignIn.model_json_schema()["examples"][0]
    made = shared.post("/v1/campaigns", {**example, "business_id": shared.tenant.business_id})
    assert made.status_code == 201, made.text
    assert set(made.json()) == set(CAMPAIGN)
    assert set(made.json()["content"]) == set(CAMPAIGN["content"])
    assert set(made.json()["workflow"]) == set(CAMPAIGN["workflow"])
