# What goes back from Catlab to Python: each value as one JSON text, in the forms that forms.py reads.
# Everything else that is asked of Catlab is a call of Catlab's own.

using Catlab, ACSets, GATlab
import JSON3
import Catlab.Theories: dom, codom
import GATlab: getvalue
import Catlab.Graphics: Graphviz
import Catlab.BasicSets: Left, Right  # GATlab has others of these names

value_json(value) = JSON3.write(form_of(value))

of_kind(kind; fields...) = (; format="learningdiagrams.catlab", version=1, kind=kind, fields...)

# Presentations.

form_of(P::Presentation) = generate_json_acset_schema(P)
form_of(C::FinCat) = form_of(presentation_of(C))

function presentation_of(C::FinCat)
  P = getvalue(getvalue(C))
  P isa Presentation || error("the category is not given by a Presentation, but by $(typeof(P))")
  P
end

# Functors. An image is a term of the codomain's presentation.

function form_of(F::FinFunctor)
  C, D = dom(F), codom(F)
  of_kind("functor"; dom=form_of(C), codom=form_of(D), functor_tables(F)...)
end

function functor_tables(F::FinFunctor)
  C, Q = dom(F), presentation_of(codom(F))
  (; Ob=Dict(string(nameof(x)) => string(nameof(ob_map(F, x))) for x in collect(ob_generators(C))),
    Hom=Dict(string(nameof(f)) => to_json_sexpr(Q, gen_map(F, f)) for f in collect(hom_generators(C))))
end

# Diagrams of presentations: functors from the free category on a graph to FinCatC().

function form_of(D::FinDomFunctor)
  J = dom(D)
  vertices, arrows = collect(ob_generators(J)), collect(hom_generators(J))
  place = Dict(v => i for (i, v) in enumerate(vertices))
  of_kind("diagram of presentations";
    presentations=[form_of(ob_map(D, v)) for v in vertices],
    functors=[(; :from => place[src(J, e)], :to => place[tgt(J, e)], functor_tables(gen_map(D, e))...) for e in arrows])
end

# C-sets and their homomorphisms.

schema_of(X::ACSet) = generate_json_acset_schema(acset_schema(X))

form_of(X::ACSet) = of_kind("C-set"; schema=schema_of(X), instance=generate_json_acset(X))

function components_of(h::ACSetTransformation)
  X = dom(h)
  components = Dict{String,Any}(string(x) => Int[h[x](i) for i in parts(X, x)] for x in objects(acset_schema(X)))
  for x in attrtypes(acset_schema(X))  # the images of unknown values, of which there are none in most C-sets
    isempty(parts(X, x)) || (components[string(x)] = [image_of(get(h[x])(i)) for i in parts(X, x)])
  end
  components
end

image_of(variable::Left) = (_var=getvalue(variable),)
image_of(value::Right) = getvalue(value)

form_of(h::ACSetTransformation) =
  of_kind("homomorphism"; schema=schema_of(dom(h)), dom=generate_json_acset(dom(h)),
    codom=generate_json_acset(codom(h)), components=components_of(h))

# Learning diagrams: the presentation as it is now, and our form as it came.

form_of(d::NamedTuple) = of_kind("learning diagram"; schema=form_of(d.presentation), diagram=d.form)

# The colimit of C-sets: its apex, and the components of its legs.

colimit_json(r) =
  JSON3.write((; apex=generate_json_acset(ob(r)), legs=[components_of(leg) for leg in legs(r)]))

sexpr_json(C::FinCat, term) = JSON3.write(to_json_sexpr(presentation_of(C), term))

names_json(generators) = JSON3.write([string(nameof(f)) for f in generators])

# Pictures.

wiring_diagram(text) = parse_json_graph(Symbol, Symbol, Nothing, text)

dot_text(picture) = sprint(Graphviz.pprint, picture)

svg_text(picture) = read(Graphviz.run_graphviz(picture; format="svg"), String)
