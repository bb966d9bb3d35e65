"""PMML files as exporters of scikit-learn write them, of two exporters' shapes.

That of sklearn2pmml: no attribute that is the default, trees over fields of single precision, a
scaled number as a derived field. That of nyoka: every field double, an exponent of 1, and most
attributes written out.
"""

from xml.sax.saxutils import quoteattr

import numpy as np

HEAD = """<?xml version="1.0" encoding="UTF-8"?>
<PMML xmlns="http://www.dmg.org/PMML-4_4" version="4.4">
 <Header><Application name="exporter" version="1"/><Timestamp>2026-11-21</Timestamp></Header>
"""
OUTPUT = """  <Output><OutputField name="probability(1)" optype="continuous" dataType="double"
   feature="probability" value="1"/></Output>
"""


def _dictionary(fields, target="won", values=None):
    lines = [
        f'  <DataField name="{target}" optype="categorical" dataType="integer">'
        '<Value value="0"/><Value value="1"/></DataField>'
    ]
    for name, kind in fields.items():
        listed = "".join(f"<Value value={quoteattr(v)}/>" for v in (values or {}).get(name, ()))
        optype = "categorical" if kind == "string" or listed else "continuous"
        lines.append(
            f'  <DataField name="{name}" optype="{optype}" dataType="{kind}">{listed}</DataField>'
        )
    return " <DataDictionary>\n" + "\n".join(lines) + "\n </DataDictionary>\n"


def _schema(fields, target="won", invalid=None, usage=""):
    lines = [f'   <MiningField name="{target}" usageType="target"/>']
    for name in fields:
        treatment = f' invalidValueTreatment="{invalid}"' if invalid else ""
        lines.append(f'   <MiningField name="{name}"{usage}{treatment}/>')
    return "  <MiningSchema>\n" + "\n".join(lines) + "\n  </MiningSchema>\n"


def regression(
    intercept,
    numbers,
    categories,
    *,
    kinds=None,
    invalid="asIs",
    more="",
    names=None,
    target="won",
):
    """Coefficients by field, and by field and value; `more` is put before the tables.

    `names`: the derived field that a number is read by.
    """
    fields = dict.fromkeys(numbers, "double") | dict.fromkeys(categories, "string")
    fields |= kinds or {}
    terms = [
        f'    <NumericPredictor name="{(names or {}).get(n, n)}" coefficient="{c!r}"/>'
        for n, c in numbers.items()
    ]
    terms += [
        f'    <CategoricalPredictor name="{n}" value={quoteattr(v)} coefficient="{c!r}"/>'
        for n, values in categories.items()
        for v, c in values.items()
    ]
    table = f'   <RegressionTable intercept="{intercept!r}" targetCategory="1">\n'
    text = (
        HEAD
        + _dictionary(fields, target, values=categories)
        + ' <RegressionModel functionName="classification" normalizationMethod="logit">\n'
        + _schema(fields, target, invalid=invalid)
        + OUTPUT
        + more
        + table
        + "\n".join(terms)
        + "\n   </RegressionTable>\n"
        + '   <RegressionTable intercept="0.0" targetCategory="0"/>\n'
        + " </RegressionModel>\n</PMML>\n"
    )
    return text.encode()


def scaled(name, of, mean, scale):
    """A derived field: (`of` - mean) / scale."""
    return (
        f'  <LocalTransformations><DerivedField name="{name}" optype="continuous"'
        f' dataType="double"><Apply function="/"><Apply function="-"><FieldRef field="{of}"/>'
        f'<Constant dataType="double">{mean!r}</Constant></Apply>'
        f'<Constant dataType="double">{scale!r}</Constant></Apply></DerivedField>'
        "</LocalTransformations>\n"
    )


def rounded(name, of):
    """A derived field: `of` in single precision."""
    return (
        f'  <LocalTransformations><DerivedField name="{name}" optype="continuous"'
        f' dataType="float"><FieldRef field="{of}"/></DerivedField></LocalTransformations>\n'
    )


def nyoka_regression(intercept, numbers):
    """A LogisticRegression; coefficients by field."""
    terms = "".join(
        f'    <NumericPredictor name="{n}" exponent="1" coefficient="{c!r}"/>\n'
        for n, c in numbers.items()
    )
    text = (
        HEAD
        + _dictionary(dict.fromkeys(numbers, "double"))
        + ' <RegressionModel modelName="LogisticRegression" functionName="classification"'
        ' algorithmName="sklearn" normalizationMethod="logit">\n'
        + _schema(numbers, usage=' usageType="active" optype="continuous"')
        + OUTPUT
        + f'   <RegressionTable intercept="{intercept!r}" targetCategory="1">\n{terms}'
        '   </RegressionTable>\n   <RegressionTable intercept="0.0" targetCategory="0"/>\n'
        " </RegressionModel>\n</PMML>\n"
    )
    return text.encode()


def tree(fitted, names, kind="float", more="", read=None, target="won"):
    """A DecisionTreeClassifier of scikit-learn in the shape of sklearn2pmml.

    `read`: the names by which the splits read the fields.
    """
    head = '<TreeModel functionName="classification" missingValueStrategy="nullPrediction">'
    return _tree(fitted, names, kind, head, _compact, more, read, target)


def nyoka_tree(fitted, names):
    """The same in the shape of nyoka."""
    head = '<TreeModel modelName="DecisionTreeClassifier" functionName="classification"'
    return _tree(fitted, names, "double", f'{head} missingValuePenalty="1.0">', _whole)


def _tree(fitted, names, kind, head, node, more="", read=None, target="won"):
    text = (
        HEAD
        + _dictionary(dict.fromkeys(names, kind), target)
        + f" {head}\n"
        + _schema(names, target)
        + OUTPUT
        + more
        + node(fitted.tree_, read or names, 0, "<True/>")
        + " </TreeModel>\n</PMML>\n"
    )
    return text.encode()


def _compact(grown, names, node, predicate):
    """The second child is all the rest; leaves alone have shares; limits are as short as may be."""
    left, right = grown.children_left[node], grown.children_right[node]
    if left < 0:
        return f'<Node score="1" recordCount="1">{predicate}{_shares(grown, node, 1)}</Node>\n'
    test = _test(grown, names, node, "lessOrEqual", np.float32)
    inside = _compact(grown, names, left, test) + _compact(grown, names, right, "<True/>")
    return f"<Node>{predicate}{inside}</Node>\n"


def _whole(grown, names, node, predicate):
    """Both children have a test, and all nodes the numbers of their rows."""
    children = (
        (grown.children_left[node], "lessOrEqual"),
        (grown.children_right[node], "greaterThan"),
    )
    inside = "".join(
        _whole(grown, names, child, _test(grown, names, node, operator, float))
        for child, operator in children
        if child >= 0
    )
    count = float(grown.weighted_n_node_samples[node])
    shares = _shares(grown, node, count)
    return f'<Node id="{node}" recordCount="{count}">{predicate}{shares}{inside}</Node>\n'


def _test(grown, names, node, operator, precision):
    name, limit = names[grown.feature[node]], precision(grown.threshold[node])
    return f'<SimplePredicate field="{name}" operator="{operator}" value="{limit!s}"/>'


def _shares(grown, node, count):
    return "".join(
        f'<ScoreDistribution value="{value}" recordCount="{float(share * count)!r}"/>'
        for value, share in zip("01", grown.value[node][0], strict=True)
    )
