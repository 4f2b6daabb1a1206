import pytest

from edgecv.errors import RecipeError
from edgecv.head import ClassifyHead, DenseHead
from edgecv.train.objective import OBJECTIVES, objective_of


def test_every_objective_names_a_role_of_its_head(recipe):
    assert objective_of(recipe).scores in ClassifyHead.roles
    assert set(OBJECTIVES) == {"classify", "centernet"}


def test_a_head_without_objective_is_refused(recipe):
    with pytest.raises(RecipeError, match="kind dense cannot be trained"):
        objective_of(recipe.model_copy(update={"head": DenseHead()}))
