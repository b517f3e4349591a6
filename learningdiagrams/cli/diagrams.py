"""The commands for one diagram: `check`, `prove`, `draw`, `compile` and `convert`."""

from __future__ import annotations

import json
from typing import Annotated

import typer

from learningdiagrams.cli.base import REFUTED, UNDECIDED, File, app, loaded, one_of, reporting
from learningdiagrams.language import parse_equation


@app.command()
def check(file: File) -> None:
    """Reads, types and examines a diagram; prints what it found."""
    diagram = loaded(file)
    with reporting(file, diagram):
        typer.echo(str(diagram.check()))


@app.command()
def prove(
    file: File,
    equation: Annotated[str, typer.Argument(metavar="EQUATION", help='Such as "f >> g = id(A)".')],
    using: Annotated[
        str,
        typer.Option(
            metavar="laws|goals|all",
            help="Premises: the laws, the goals (as if they held), or both.",
            callback=one_of("laws", "goals", "all"),
        ),
    ] = "all",
    without: Annotated[str, typer.Option(metavar="NAME,…", help="Laws and goals that may not be used.")] = "",
    max_seconds: Annotated[
        float, typer.Option(metavar="S", min=0.0, help="How long to try; it may only turn an answer into unknown.")
    ] = 10.0,
    as_json: Annotated[bool, typer.Option("--json", help="Print one JSON object and nothing else.")] = False,
    film: Annotated[
        str | None,
        typer.Option(metavar="OUT", help="Draw the proof step by step, to .svg, .png, .pdf, .tex or .html."),
    ] = None,
) -> None:
    """Decides a morphism equation. Exit code 0: proved, 3: refuted, 4: not decided."""
    diagram = loaded(file)
    with reporting(file, diagram):
        left, right = parse_equation(diagram, equation)
        names = [word.strip() for word in without.split(",") if word.strip()]
        verdict = diagram.prove(left, right, using=using, max_seconds=max_seconds, without=names)
    from learningdiagrams.verdicts import as_json as verdict_json
    from learningdiagrams.verdicts import as_text as verdict_text

    if as_json:
        typer.echo(json.dumps(verdict_json(verdict), ensure_ascii=False))
    else:
        typer.echo(verdict_text(verdict, hypothetical=using != "laws" and bool(diagram.goals)))
    if film is not None and verdict.holds:
        from learningdiagrams.drawing import draw_proof

        with reporting(film):
            draw_proof(verdict.proof, film, roles=diagram.roles)
    if not verdict.holds:
        raise typer.Exit(UNDECIDED if verdict.holds is None else REFUTED)


@app.command()
def draw(
    file: File,
    out: Annotated[
        str | None,
        typer.Option("-o", "--out", metavar="OUT", help="Ends in .svg, .png, .pdf, .tex, .dot, .mmd or .html."),
    ] = None,
    quiver: Annotated[bool, typer.Option("--quiver", help="Print a link that opens it in q.uiver.app.")] = False,
    goal: Annotated[
        str | None, typer.Option(metavar="NAME", help="Draw this goal, law or measure alone, with its comparator.")
    ] = None,
    string: Annotated[bool, typer.Option("--string", help="Draw its two sides as string diagrams.")] = False,
    look: Annotated[
        str | None,
        typer.Option(metavar="light|dark", help="That, whatever the reader prefers.", callback=one_of("light", "dark")),
    ] = None,
) -> None:
    """Draws a diagram, in the form that OUT's ending says, or as a link of quiver."""
    if out is None and not quiver:
        raise typer.BadParameter("a file is wanted, or --quiver for a link", param_hint="-o")
    diagram = loaded(file)
    if out is not None:
        with reporting(out):
            diagram.draw(out, goal=goal, string=string, dark=None if look is None else look == "dark")
    if quiver:
        from learningdiagrams.drawing.quiver import quiver as quiver_link

        with reporting(file, diagram):
            link = quiver_link(diagram)
        typer.echo(link.url)
        for line in link.said:
            typer.echo(f"{file}: {line}", err=True)


@app.command(name="compile")
def compile_(
    file: File,
    backend: Annotated[
        str | None,
        typer.Option(
            "--backend",
            metavar="torch|jax|sympy",
            help="Compile there; without it on torch, where every map is realised.",
            callback=one_of("torch", "jax", "sympy"),
        ),
    ] = None,
    show: Annotated[
        str,
        typer.Option(metavar="plan|loss|latex", help="What to print.", callback=one_of("plan", "loss", "latex")),
    ] = "plan",
    prune: Annotated[
        str | None,
        typer.Option(
            metavar="derivable",
            help="Leave out goals that follow from the others, and print which with the plan.",
            callback=one_of("derivable"),
        ),
    ] = None,
    all_parallel: Annotated[
        int | None,
        typer.Option(
            "--all-parallel",
            metavar="N",
            min=1,
            help="With a goal for every two parallel paths of at most N generators, its data counted.",
        ),
    ] = None,
    use_laws: Annotated[
        bool,
        typer.Option("--use-laws", help="Rewrite goals by laws that mention no trained map, where steps get fewer."),
    ] = False,
    trust: Annotated[bool, typer.Option("--trust", help="Import and run code that the file names.")] = False,
) -> None:
    """Prints what a diagram compiles to, and compiles it where all of its maps are realised."""
    from learningdiagrams.compiled import Compiled, asked_rewriting, unrealised
    from learningdiagrams.formulas import loss_latex, loss_text
    from learningdiagrams.plan import make_plan
    from learningdiagrams.pruning import pruning_asked
    from learningdiagrams.symbolic import SymbolicCompiled

    diagram = loaded(file, trust)
    with reporting(file, diagram):
        if all_parallel is not None:
            from learningdiagrams.parallel import all_parallel as with_all

            diagram = with_all(diagram, all_parallel)
        pruning = pruning_asked(diagram, prune)
        rewriting = asked_rewriting(diagram, use_laws, pruning)
        plan = make_plan(diagram, diagram.goals.values(), rewriting=rewriting)
        missing = unrealised(diagram)
        if backend is not None or not missing:
            compiled = diagram.compile(backend or "torch", prune=prune, use_laws=use_laws)
        else:
            compiled = None
            diagram.check(max_seconds=0)
            named = ", ".join(f"`{name}`" for name in missing)
            typer.echo(f"{file}: compiled as far as can be: no realisation is given for {named}", err=True)
        if show == "plan":
            plan = compiled.plan if isinstance(compiled, Compiled) else plan
            typer.echo(str(plan) or "there is nothing to compute: no goal is declared")
            if pruning is not None and diagram.goals:
                typer.echo(f"\n{pruning}")
        elif show == "latex" and isinstance(compiled, SymbolicCompiled):
            typer.echo(compiled.latex())
        else:
            shown = diagram if pruning is None else pruning.pruned()
            typer.echo(loss_text(shown) if show == "loss" else loss_latex(shown))


@app.command()
def convert(
    source: Annotated[
        str,
        typer.Argument(
            metavar="SOURCE",
            help="A .diagram file, a .json file (ours, Catlab's or the Pattern Language editor's), or a quiver link.",
        ),
    ],
    out: Annotated[str, typer.Option("-o", "--out", metavar="OUT", help=".diagram, .json, .catlab.json or .py")],
) -> None:
    """Writes a diagram in another form, which OUT's ending says."""
    from learningdiagrams.language.conversion import read_source
    from learningdiagrams.language.quiver_cells import FILE, is_link

    if is_link(source):
        link, source = source, FILE
    else:
        link = source
    with reporting(source):
        diagram, said = read_source(link)
    for line in said:
        typer.echo(f"{source}: {line}", err=True)
    # What Catlab's schemas have not is said where the source declares it; all else is about the file that is written.
    with reporting(source, diagram) if out.endswith(".catlab.json") else reporting(out):
        diagram.save(out)
