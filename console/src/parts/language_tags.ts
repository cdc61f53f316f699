/** Languages that are offered by name; any other can be given by its code. */
export const TAGS = (
  "af ak am an ar as av ay az ba be bg bm bn bo br bs ca ce co cs cv cy da de dv dz ee el en eo es et eu fa ff fi fj fo fr fy ga gd gl gn gu " +
  "ha he hi ho hr ht hu hy ia id ig is it iu ja jv ka kg ki kk kl km kn ko kr ks ku kw ky la lb lg ln lo lt lu lv mg mh mi mk ml mn mr ms mt my " +
  "na nb nd ne nl nn no nr nv ny oc om or os pa pl ps pt qu rm rn ro ru rw sa sc sd se sg si sk sl sm sn so sq sr ss st su sv sw ta te tg th ti " +
  "tk tl tn to tr ts tt tw ty ug uk ur uz ve vi wo xh yi yo za zh zu " +
  "bzd cni hch nah oto quy shp tar gaa vai quc yua arn mam kek nhe ayr quz pap srn jam hil ceb war ilo"
).split(" ");
