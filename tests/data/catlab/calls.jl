# Calls that were made to Catlab 0.17.4 (ACSets 0.2.25, GATlab 0.2.2) on Julia 1.11.1 under juliacall 0.9.34, as they
# were noted down. The stand-in for juliacall in the tests answers what stands here verbatim, and nothing else.

using Catlab, ACSets, GATlab
P = Presentation(FreeSchema)                      # FreeSchema, not FreeCategory: FinCat fails on the latter
A = add_generator!(P, Ob(FreeSchema, :A)); B = add_generator!(P, Ob(FreeSchema, :B))
f = add_generator!(P, Hom(:f, A, B)); g = add_generator!(P, Hom(:g, B, A))
add_equation!(P, compose(f, g), id(A)); C = FinCat(P)        # P[:f] looks a generator up
ob_generators(C); hom_generators(C); src(C, f); tgt(C, f); equations(C); is_free(C)

F = FinFunctor(Dict(obgen => ob), Dict(homgen => Path(D, [gens])), C, D; homtype = :path)
# an identity image: Path(FreeSchema.Hom{:generator}[], x, x).  For graphs: FinFunctor((V=..., E=...), C, D; homtype = :list)
is_functorial(F); functoriality_failures(F)       # (bad_dom, bad_cod, bad_eqs)
ob_map(F, x); gen_map(F, g); hom_map(F, term); compose[FinCatC()](F, G)

𝒞 = ACSetCategory(CSetCat(Graph()))               # sets: SkelFinSet()
h = ACSetTransformation(X, Y; V = [...], E = [...]); is_natural(h; cat = 𝒞)
r = pushout[𝒞](f, g)                              # pushout[𝒞]([f,g,h]), coequalizer[𝒞](f, g), coproduct[𝒞](X, Y)
colimit[𝒞](BipartiteFreeDiagram(obs1, obs2, [(h, i, j), ...]; cat = 𝒞)); ob(r); legs(r); proj(coequalizer_result)
migrate(T, X, ObDict, HomDict; homtype); SigmaMigrationFunctor(F, DomType, CodType)(X)

AnonACSetType(Schema(P)); DynamicACSet("Name", P)  # AnonACSetType(P) fails
FinDomFunctor(obs, homs, J, Category(TypeCat(𝒞)))
generate_json_acset; parse_json_acset(T, text); generate_json_acset_schema; parse_json_acset_schema(Presentation, text)
to_json_sexpr(P, term)                            # ["compose","f","g"]
