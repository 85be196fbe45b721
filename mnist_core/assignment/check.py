"""Check a submission: each step on the reference's inputs, then all of them together; name the mistakes."""

import re
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from functools import partial
from itertools import pairwise
from typing import Any

import numpy as np

from mnist_core.assignment.behaviour import finding_of, odd_behaviour
from mnist_core.assignment.cases import LOSS_TOLERANCE, Case, cases_of, write_idx_files
from mnist_core.assignment.catalogue.table import MISTAKES
from mnist_core.assignment.compare import ROUNDING, SINGLE_TOLERANCE, TOLERANCE, facts, layer_facts, same, same_layers
from mnist_core.assignment.contract import STEPS, WHOLE
from mnist_core.assignment.convention import Misfit, WrongDepth
from mnist_core.assignment.diagnose import Candidate, candidates, explains, name_mistake, usable
from mnist_core.assignment.finding import MAX_SHOWN, Finding, Numbers
from mnist_core.assignment.initial import check_initialize
from mnist_core.assignment.learner import CallFailed, Learner
from mnist_core.assignment.loop import check_train
from mnist_core.assignment.messages import Failure
from mnist_core.assignment.reference import FUNCTIONS, Parameters, trace
from mnist_core.assignment.sandbox import OUT_OF_TIME, Sandbox
from mnist_core.assignment.source import Submission
from mnist_core.assignment.whole import WHOLE_CHECKS

DEPENDS: dict[str, tuple[str, ...]] = {
    "sigmoid_derivative": ("sigmoid",),
    "feed_forward": ("sigmoid", "softmax"),
    "back_propagate": ("sigmoid", "sigmoid_derivative", "softmax", "feed_forward", "cross_entropy"),
    "predict": ("feed_forward", "sigmoid", "softmax"),
    "train": (
        "sigmoid",
        "sigmoid_derivative",
        "softmax",
        "feed_forward",
        "cross_entropy",
        "back_propagate",
        "update",
    ),
}
"""Functions of the file that a step may call: where one is wrong, what follows from it is no further mistake."""
DEPENDS |= {
    name: tuple(dict.fromkeys(cause for step in whole.needs for cause in (step, *DEPENDS.get(step, ()))))
    for name, whole in WHOLE_CHECKS.items()
}

SLOPES: tuple[Callable[[Any, Any], Any], ...] = (lambda z, a: (z > 0).astype(float), lambda z, a: 1 - a**2)
"""Of the hidden activations that are taken for sigmoid: ReLU and tanh."""

BEFORE_RECOGNITION = ("read_idx", "normalize")
"""Steps that no convention matters to: what they show comes at once, however long the search for it takes."""

LITTLE_ENDIAN_SIZES = ("117440512", "83886080", "50331648", "184549376")
"""Sizes of the files of `write_idx_files` with their bytes the other way round, as an exception may quote them."""

_UNDEFINED = re.compile(r"name '(\w+)' is not defined")


@dataclass(frozen=True)
class Report:
    """What a check found."""

    submission: Submission
    convention: str | None
    """The way that the file writes parameters and batches, in words."""
    findings: tuple[Finding, ...]
    """One for each step, then one for each check of the whole."""
    output: str
    """What the file printed."""
    seconds: float

    @property
    def correct(self) -> bool:
        """Whether something is correct, and no function of the file is wrong, yet to be written, or waits for one."""
        states = {finding.state for finding in self.findings}
        unfinished = any(finding.state in ("missing", "skipped") and finding.line for finding in self.findings)
        return "correct" in states and "wrong" not in states and not unfinished

    @property
    def first_wrong(self) -> Finding | None:
        """The first step that fails."""
        return next((finding for finding in self.findings if finding.state == "wrong"), None)


def check(
    submission: Submission,
    seed: int = 0,
    on_finding: Callable[[Finding], None] | None = None,
    whole: bool = True,
    on_wait: Callable[[], object] | None = None,
) -> Report:
    """Check all steps that a submission has.

    Parameters
    ----------
    submission : Submission
    seed : int
        Of the inputs that steps are tried on.
    on_finding : callable, optional
        Gets each finding as soon as it is known.
    whole : bool
        Whether all functions are checked together, after the steps.
    on_wait : callable, optional
        Called several times a second while the code works. An exception of it ends the check, as one of ``on_finding``.

    Raises
    ------
    AssignmentError
        If no process can be started.
    """
    began = time.monotonic()
    with Sandbox(submission, on_wait=on_wait) as sandbox:
        checker = Checker(sandbox, seed)
        findings = []
        for finding in checker.findings(whole):
            findings.append(finding)
            if on_finding:
                on_finding(finding)
        convention = checker.learner.convention.describe() if checker.uses_parameters else None
        output = sandbox.output
    return Report(submission, convention, tuple(findings), output, time.monotonic() - began)


class Checker:
    """One check of a submission in a sandbox."""

    def __init__(self, sandbox: Sandbox, seed: int) -> None:
        self.sandbox, self.submission, self.seed = sandbox, sandbox.submission, seed
        self.learner = Learner(sandbox)
        self._recognized = False
        self.unrecognized: CallFailed | Misfit | None = None
        self.out_of_time = False
        """Whether a step was under way when the time of the whole check was over."""
        self.wrong: set[str] = set()
        self.unwritten: set[str] = set()
        self.named: dict[str, tuple[str, ...]] = {}
        """Mistakes that were named, by step."""

    @property
    def uses_parameters(self) -> bool:
        """Whether the file has a function that shows its convention."""
        return any(self.learner.has(step) for step in ("initialize", "feed_forward", "back_propagate"))

    def findings(self, whole: bool = True) -> Iterator[Finding]:
        """Check step by step, then the whole."""
        failure = self.sandbox.load()
        if failure:
            place = f" ({self.submission.place(failure.line)})" if failure.line else ""
            sentence = f"The file can't be loaded{place}: {failure.error}: {failure.message}".rstrip(": ") + "."
            yield Finding("load", "wrong", sentence=sentence, line=failure.line)
            return
        for step in STEPS:
            if step not in BEFORE_RECOGNITION:
                self._recognize()
            yield self._step(step)
        for name in WHOLE if whole else ():
            yield self._whole(name)

    def _step(self, step: str) -> Finding:
        if not self.learner.has(step):
            return Finding(
                step,
                "skipped" if step == "train" else "missing",
                sentence=f"There is no function {step}: it was skipped.",
            )
        if step == "update" and self.learner.takes_rate_alone and not self.learner.gradients_stored:
            return Finding(step, "skipped", sentence="It waits for the gradients of back_propagate.")
        if self.learner.waits_for_object(step):
            return Finding(step, "skipped", sentence="It waits for an object of the class.")
        began = time.monotonic()
        line = self.submission.lines.get(step)
        try:
            if step == "initialize" and self.unrecognized:
                raise self.unrecognized
            finding = self._excused(self._check(step))
        except CallFailed as failed:
            finding = self._excused(self._failed(step, failed))
        except WrongDepth:
            finding = finding_of(step, "initialize-layer-missing")
        except Misfit as misfit:
            finding = Finding(step, "wrong", sentence=f"{str(misfit)[:1].upper()}{str(misfit)[1:]}")
        if finding.state == "wrong":
            self.wrong.add(step)
        if finding.state == "missing":
            self.unwritten.add(step)
        return replace(finding, line=finding.line or line, seconds=time.monotonic() - began)

    def _excused(self, finding: Finding) -> Finding:
        """What may follow from a mistake in a function that it calls is no finding, unless it has a name."""
        causes = [name for name in DEPENDS.get(finding.step, ()) if name in self.wrong]
        if finding.state != "wrong" or finding.mistake or not causes:
            return finding
        return Finding(finding.step, "skipped", sentence=f"It waits until {' and '.join(causes[:2])} can be relied on.")

    def _recognize(self) -> None:
        """Find out the convention, once; what fails there is a finding of `initialize`."""
        if self._recognized:
            return
        self._recognized = True
        try:
            self.learner.recognize()
        except (CallFailed, Misfit) as error:
            self.unrecognized = error

    def _failed(self, step: str, failed: CallFailed) -> Finding:
        failure = failed.failure
        if failure.error == OUT_OF_TIME:
            before, self.out_of_time = self.out_of_time, True
            return Finding(step, "skipped" if before else "wrong", sentence=failure.sentence)
        awaited = self._awaited(failure)
        if awaited and awaited != step:
            return Finding(step, "skipped", sentence=f"It waits for {awaited}.")
        if failure.missing:
            return Finding(step, "missing", sentence=f"{step} is yet to be written.")
        if step == "normalize" and "Cannot cast ufunc" in failure.message:
            return finding_of(step, "normalize-uint8-kept", line=failure.line)
        if step == "read_idx" and any(size in failure.message for size in LITTLE_ENDIAN_SIZES):
            return finding_of(step, "idx-little-endian", line=failure.line)
        sentence = f"{failure.sentence} {self._explained(failed)}".rstrip()
        return Finding(step, "wrong", sentence=sentence, line=failure.line)

    def _awaited(self, failure: Failure) -> str | None:
        """The function of the contract whose absence makes a call fail."""
        undefined = _UNDEFINED.search(failure.message)
        if undefined:
            return undefined[1] if undefined[1] in STEPS and not self.learner.has(undefined[1]) else None
        if not failure.missing:
            return None
        said = failure.message.removeprefix("write ")
        before = [(line, step) for step, line in self.submission.lines.items() if line <= (failure.line or 0)]
        place = max(before, default=(0, ""))[1]
        return said if said in STEPS else place if place in self.unwritten else None

    def _explained(self, failed: CallFailed) -> str:
        """What an exception means here, if it is one of those that puzzle; else the shapes of what was given."""
        failure = failed.failure
        name = _UNDEFINED.search(failure.message)
        if name and name[1] in self.submission.left_out:
            return (
                f"{name[1]} gets its value outside of functions, from a line that was left out: compute it inside, "
                "from the arguments."
            )
        if failure.error == "IndexError" and "arrays used as indices must be of integer" in failure.message:
            return "y has one-hot rows here, no labels: np.argmax(y, axis=1) gives those."
        return f"It was given {failed.given}." if failed.given and not failure.ended else ""

    def _check(self, step: str) -> Finding:
        match step:
            case "read_idx":
                return self._check_files()
            case "initialize":
                return check_initialize(self.learner)
            case "train":
                return check_train(self.learner)
        cases = cases_of(step, self.seed)
        results: list[Any] = []
        for case in cases:
            try:
                value = self._call(step, case)
            except CallFailed as failed:
                finding = self._where_square(step, cases[-1], failed)
                if not finding and results and len(case.args[-1]) != len(cases[0].args[-1]):
                    finding = self._fixed_depth(step, failed, case)
                if not finding or failed.failure.missing:
                    raise
                return finding
            if isinstance(value, np.ndarray) and value.size > MAX_SHOWN:
                measured = facts(value, FUNCTIONS[step](*case.args))
                return Finding(step, "wrong", sentence=f"With {case.about}: {measured}.")
            behaviour = odd_behaviour(step, self.learner, case, value)
            if behaviour:
                return behaviour
            if step == "update" and not results and not same_layers(self._call(step, case), value, SINGLE_TOLERANCE):
                return finding_of(step, "update-remembers")
            results.append(value)
        return self._judge(step, cases, results)

    def _fixed_depth(self, step: str, failed: CallFailed, case: Case) -> Finding:
        """A failure with more layers than those of the first case, with which it works."""
        sentence = (
            f"{failed.failure.sentence} That is with {case.about}; with one hidden layer it returns. Is the number of "
            "layers written into the code?"
        )
        return Finding(step, "wrong", sentence=sentence, line=failed.failure.line)

    def _where_square(self, step: str, case: Case, failed: CallFailed) -> Finding | None:
        """The mistake in what fails with layers of different sizes, if it has a name where all are of one size."""
        if step != "back_propagate" or failed.failure.missing or failed.failure.ended:
            return None
        try:
            finding = self._judge(step, [case], [self._call(step, case)])
        except (CallFailed, Misfit):
            return None
        return replace(finding, line=failed.failure.line) if finding.mistake else None

    def _call(self, step: str, case: Case) -> Any:
        match step:
            case "feed_forward":
                return self.learner.feed_forward(*case.args)
            case "back_propagate":
                x, y, parameters = case.args
                return self.learner.back_propagate(x, y, parameters, keep=True)
            case "update":
                return self.learner.update(*case.args)
            case "predict":
                return self.learner.predict(*case.args)
        return self.learner.array_function(step)(*case.args)

    def _check_files(self) -> Finding:
        folder = self.sandbox.folder
        results, cases = [], []
        for path in write_idx_files(folder, self.seed):
            cases.append(Case(path.name, (path,)))
            value = self.learner.read_idx(path)
            expected = FUNCTIONS["read_idx"](path)
            rows = expected.reshape(len(expected), -1)
            results.append(value.reshape(expected.shape) if expected.ndim == 3 and same(value, rows) else value)
        return self._judge("read_idx", cases, results)

    def _judge(self, step: str, cases: list[Case], results: list[Any]) -> Finding:
        shared = self.learner.last.shared
        tolerance = SINGLE_TOLERANCE if self._is_single(results) else TOLERANCE
        expected = [FUNCTIONS[step](*case.args) for case in cases]
        agree = partial(agrees, step, tolerance)
        if all(map(agree, cases, results, expected)):
            return Finding(step, "correct")
        own = self._own_parts(step)
        if own and any(
            explains(partial(FUNCTIONS[step], **parts), zip(cases, results, strict=True), agree)
            for parts in (own, *({**own, "derivative": slope} for slope in SLOPES if step == "back_propagate"))
        ):
            cause = ", ".join(name for name in DEPENDS[step] if name in self.wrong)
            return Finding(step, "correct", sentence=f"Correct for what {cause} gives it.")
        if step == "back_propagate" and all(
            same_layers(value[1], right[1], tolerance) for value, right in zip(results, expected, strict=True)
        ):
            return replace(finding_of(step, "loss-returned-wrong"), where=cases[0].about)
        bad = next(
            k for k, (case, value, right) in enumerate(zip(cases, results, expected, strict=True))
            if not agree(case, value, right)
        )  # fmt: skip
        named = name_mistake(candidates(step), cases, results, agree, own, FUNCTIONS[step])
        where = cases[bad].about
        numbers = numbers_of(step, results[bad], expected[bad])
        if named:
            return self._named(step, named, where, numbers)
        if shared and step == "back_propagate" and one_for_all(results[bad][1]):
            return replace(finding_of(step, "gradients-shared"), where=where, numbers=numbers)
        measured = measure(step, results[bad], expected[bad])
        return Finding(step, "wrong", sentence=f"With {where}: {measured}.", numbers=numbers)

    def _named(self, step: str, named: Candidate, where: str, numbers: Numbers | None) -> Finding:
        mistakes = [MISTAKES[name] for name in named.ids]
        self.named[step] = named.ids
        return Finding(
            step,
            "wrong",
            mistake="+".join(named.ids),
            sentence=" Also: ".join(mistake.sentence for mistake in mistakes),
            effect=" ".join(mistake.effect for mistake in mistakes),
            hint=" ".join(mistake.hint for mistake in mistakes),
            formula=mistakes[0].formula or STEPS[step].formula,
            code=mistakes[0].code or STEPS[step].code,
            where=where,
            numbers=numbers,
        )

    def _is_single(self, results: list[Any]) -> bool:
        return self.learner.convention.single or any(getattr(value, "dtype", None) == "float32" for value in results)

    def _own_parts(self, step: str) -> dict[str, Any]:
        """The learner's own functions, for those that a step may call and that are wrong."""
        wrong = [name for name in DEPENDS.get(step, ()) if name in self.wrong]
        if not wrong:
            return {}
        learner = self.learner
        hidden = usable(learner.array_function("sigmoid")) if "sigmoid" in wrong else FUNCTIONS["sigmoid"]
        output = usable(learner.array_function("softmax")) if "softmax" in wrong else FUNCTIONS["softmax"]
        match step:
            case "sigmoid_derivative":
                return {"sigmoid": hidden}
            case "feed_forward":
                return {"hidden": hidden, "output": output}
            case "predict" if "feed_forward" in wrong:
                return {"forward": usable(learner.feed_forward)}
            case "predict":
                return {"forward": partial(FUNCTIONS["feed_forward"], hidden=hidden, output=output)}
        ways: dict[str, Any] = {"hidden": hidden, "output": output}
        for name in self.named.get("feed_forward", ()):
            ways.update(MISTAKES[name].parts)
        parts: dict[str, Any] = {"forward": partial(trace, **ways)}
        if "sigmoid_derivative" in wrong:
            slope = usable(learner.array_function("sigmoid_derivative"))
            parts["derivative"] = lambda z, a: slope(z)
        if "cross_entropy" in wrong:
            parts["loss"] = usable(learner.array_function("cross_entropy"))
        return parts

    def _whole(self, name: str) -> Finding:
        needed = WHOLE_CHECKS[name].needs
        absent = [step for step in needed if not self.learner.has(step)]
        if absent or (self.wrong & set(needed)):
            reason = f"needs {', '.join(absent)}" if absent else "waits until the steps are correct"
            return Finding(name, "skipped", sentence=f"{WHOLE[name]}: {reason}.")
        began = time.monotonic()
        try:
            finding = WHOLE_CHECKS[name].run(self.learner, self.seed)
        except CallFailed as failed:
            finding = self._failed(name, failed)
        except Misfit as misfit:
            finding = Finding(name, "wrong", sentence=str(misfit))
        return replace(self._excused(finding), seconds=time.monotonic() - began)


def agrees(step: str, tolerance: float, case: Case, value: Any, expected: Any) -> bool:
    """Whether the result of a case is the expected one, in one of the forms that are right."""
    if step == "back_propagate":
        loss, gradients = value
        same_loss = loss is None or same(loss, expected[0], max(tolerance, LOSS_TOLERANCE))
        return same_loss and same_layers(gradients, expected[1], tolerance)
    if step == "update":
        return same_layers(value, expected, tolerance)
    if step == "misclassified" and isinstance(value, list) and not value:
        return len(expected) == 0
    if step == "normalize" and getattr(value, "shape", None) == (len(expected), np.size(expected[0])):
        value = value.reshape(expected.shape)
    if np.ndim(expected) == 1 and getattr(value, "ndim", 1) == 2 and value.size == len(expected):
        value = value.ravel()
    return same(value, expected, max(tolerance, case.tolerance), max(ROUNDING, case.tolerance))


def one_for_all(gradients: Parameters) -> bool:
    """Whether two layers have the same gradient of the weights, which is not 0."""
    return any(np.array_equal(a, b) and a.any() for (a, _), (b, _) in pairwise(gradients))


def measure(step: str, value: Any, expected: Any) -> str:
    """Say what can be measured of a difference."""
    if step == "back_propagate":
        loss, gradients = value
        wrong_loss = loss is not None and not same(loss, expected[0], LOSS_TOLERANCE)
        parts = [facts(loss, expected[0], "the loss")] if wrong_loss else []
        if not same_layers(gradients, expected[1]):
            parts.append(layer_facts(gradients, expected[1], "d"))
        return "; ".join(parts)
    return layer_facts(value, expected) if step == "update" else facts(value, expected)


def numbers_of(step: str, value: Any, expected: Any) -> Numbers | None:
    """The first array that differs, theirs and the reference's."""
    if step == "back_propagate":
        value, expected = value[1], expected[1]
    if step in ("back_propagate", "update"):
        d = "d" if step == "back_propagate" else ""
        pairs = [
            (f"{d}{letter}{layer}", a, b)
            for layer, (pair, other) in enumerate(zip(value, expected, strict=False), start=1)
            for letter, a, b in zip(("W", "b"), pair, other, strict=True)
        ]
        return next((Numbers.of(name, a, b) for name, a, b in pairs if not same(a, b)), None)
    return Numbers.of(step, value, expected)
