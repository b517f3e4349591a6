"""Diagrams to draw: five that people would draw, and random ones."""

import random

from learningdiagrams.diagram import Diagram
from learningdiagrams.language import loads
from learningdiagrams.theory.morphisms import Morphism, Object

TEXTS = {
    "distillation": """
        diagram Distillation
        object Sample, Image[64], Logits[10]
        data   pixels  : Sample -> Image
        data   label   : Sample -> Logits
        frozen teacher : Image -> Logits
        model  student : Image -> Logits
        goal    hard     : pixels >> student = label             by cross_entropy
        goal    soft     : pixels >> student = pixels >> teacher by kl(temperature=4) weight 0.7
        measure accuracy : pixels >> student = label             by accuracy
    """,
    "cycle": """
        diagram CycleGAN
        object HorsePhotos, ZebraPhotos, Horse[3, 64, 64], Zebra[3, 64, 64], Score[1]
        data  horses  : HorsePhotos -> Horse
        data  zebras  : ZebraPhotos -> Zebra
        model toZebra : Horse -> Zebra
        model toHorse : Zebra -> Horse
        model judge   : Zebra -> Score
        fixed one     : 1 -> Score = constant(1.0)
        goal cycleH : horses >> toZebra >> toHorse = horses by l1 weight 10
        goal cycleZ : zebras >> toHorse >> toZebra = zebras by l1 weight 10
        goal fool   : horses >> toZebra >> judge = drop(HorsePhotos) >> one by bce train toZebra
    """,
    "siamese": """
        diagram Siamese
        object Sample, Image[3, 32, 32], Features[128]
        data  photo   : Sample -> Image
        fixed crop    : Image -> Image
        fixed jitter  : Image -> Image
        model encoder : Image -> Features
        model slow    : Image -> Features = ema(encoder, decay=0.99)
        noise far     : Sample -> Features = normal(128)
        goal same : photo >> crop >> encoder = stop(photo >> jitter >> slow) by cosine
        goal away : photo >> encoder = far by info_nce weight linear(0, 1, steps=1000)
    """,
    "captioning": """
        diagram Captioning
        object Pair, Photo[3, 64, 64], Features[256], Tokens[n] int, Next[n, 1000]
        data   photo    : Pair -> Photo
        data   words    : Pair -> Tokens
        data   next     : Pair -> Next
        frozen backbone : Photo -> Features
        model  decoder  : Features * Tokens -> Next
        goal say : (photo >> backbone & words) >> decoder = next by cross_entropy
    """,
    "squares": """
        diagram Naturality
        object A, B, C, A2, B2, C2
        map f : A -> B
        map g : B -> C
        map f2 : A2 -> B2
        map g2 : B2 -> C2
        map a : A -> A2
        map b : B -> B2
        map c : C -> C2
        law left  : f >> b = a >> f2
        law right : g >> c = b >> g2
    """,
}


def case(name: str) -> Diagram:
    return loads("\n".join(line.strip() for line in TEXTS[name].splitlines()))


def many_tasks(count: int) -> Diagram:
    """One backbone, and a head and labels for each task."""
    d = Diagram("Tasks")
    sample, image, features = d.objects("Sample", "Image", "Features")
    pixels, backbone = d.data("pixels", sample, image), d.model("backbone", image, features)
    for i in range(count):
        target = d.object(f"Target{i}")
        label, head = d.data(f"label{i}", sample, target), d.model(f"head{i}", features, target)
        d.goal(f"task{i}", pixels >> backbone >> head, label)
    return d


def scattered(seed: int, objects: int | None = None, arrows: int | None = None) -> Diagram:
    """A random diagram: sample objects, products, constants, loops, parallel and opposite arrows, laws."""
    chance = random.Random(seed)
    d = Diagram(f"random{seed}")
    samples = [d.object(f"Sample{i}") for i in range(chance.randint(0, 2))]
    spaces = [
        d.object(f"Space{i}" + "x" * chance.randint(0, 6), (3, 28) if chance.random() < 0.4 else None)
        for i in range(objects or chance.randint(2, 9))
    ]

    def ends() -> tuple[Object, Object]:
        one, two = chance.choice(spaces), chance.choice(spaces)
        kind = chance.random()
        if kind < 0.1:
            return one * chance.choice(spaces), two
        if kind < 0.15:
            return one, two * chance.choice(spaces)
        return (d.unit, two) if kind < 0.2 else (one, two)

    for i in range(arrows or chance.randint(2, 16)):
        name = f"arrow{i}" + "y" * chance.randint(0, 8)
        if samples and chance.random() < 0.25:
            d.data(name, chance.choice(samples), chance.choice(spaces))
        else:
            getattr(d, chance.choice(("model", "frozen", "fixed", "map")))(name, *ends())
    paths: dict[tuple[Object, Object], list[Morphism]] = {}
    for one in d.generators.values():
        paths.setdefault((one.dom, one.cod), []).append(one)
        for two in d.generators.values():
            if one.cod is two.dom:
                paths.setdefault((one.dom, two.cod), []).append(one >> two)
    for parallel in paths.values():
        if len(parallel) > 1 and chance.random() < 0.3:
            d.law(parallel[0], parallel[-1])
    return d
