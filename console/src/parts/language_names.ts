/** Names of languages that browsers have none for, or that of a wider one: in English, Spanish, Portuguese and French; then what else they are called. */
const SPEECHES = ["en", "es", "pt", "fr"];

const NAMES: Record<string, string> = {
  arn: "Mapudungun|mapudungun|mapudungun|mapudungun|mapuche|araucano",
  av: "Avar|avar|avar|avar",
  ba: "Bashkir|baskir|bashkir|bachkir",
  bo: "Tibetan|tibetano|tibetano|tibétain",
  bzd: "Bribri|bribri|bribri|bribri",
  ce: "Chechen|checheno|checheno|tchétchène",
  cni: "Asháninka|asháninka|asháninka|asháninka|campa",
  cv: "Chuvash|chuvasio|tchuvache|tchouvache",
  dz: "Dzongkha|dzongkha|dzongkha|dzongkha",
  ff: "Fula|fula|fula|peul|fulani|fulfulde|pulaar",
  fj: "Fijian|fiyiano|fijiano|fidjien",
  gaa: "Ga|ga|ga|ga",
  hch: "Wixárika (Huichol)|wixárika (huichol)|wixárika (huichol)|wixárika (huichol)|wixárika|wixarika|huichol",
  hil: "Hiligaynon|hiligainón|hiligaynon|hiligaynon|ilonggo",
  ho: "Hiri Motu|hiri motu|hiri motu|hiri motu",
  iu: "Inuktitut|inuktitut|inuktitut|inuktitut",
  jam: "Jamaican Creole|criollo jamaicano|crioulo jamaicano|créole jamaïcain",
  kek: "Q’eqchi’|quekchí|quekchi|kekchi|kekchí|qeqchi",
  kg: "Kongo|kongo|congo|kikongo",
  ki: "Kikuyu|kikuyu|kikuyu|kikuyu",
  kl: "Kalaallisut|groenlandés|groenlandês|groenlandais|greenlandic",
  kr: "Kanuri|kanuri|canúri|kanouri",
  ks: "Kashmiri|cachemiro|caxemira|cachemiri",
  kw: "Cornish|córnico|córnico|cornique",
  lu: "Luba-Katanga|luba-katanga|luba-catanga|luba-katanga",
  mam: "Mam|mam|mam|mam",
  mh: "Marshallese|marshalés|marshalês|marshallais",
  na: "Nauru|nauruano|nauruano|nauruan",
  nah: "Nahuatl|náhuatl|náuatle|nahuatl|nahuatl languages|mexicano",
  nd: "North Ndebele|ndebele septentrional|ndebele do norte|ndébélé du Nord",
  nhe: "Eastern Huasteca Nahuatl|náhuatl de la Huasteca oriental|náuatle da Huasteca oriental|nahuatl de la Huasteca orientale",
  nr: "South Ndebele|ndebele meridional|ndebele do sul|ndébélé du Sud",
  nv: "Navajo|navajo|navajo|navajo|diné",
  os: "Ossetic|osético|osseto|ossète",
  oto: "Otomi|otomí|otomi|otomi|hñähñu|ñhähñu|otomian languages",
  pap: "Papiamento|papiamento|papiamento|papiamento",
  quc: "K’iche’|quiché|quiché|quiché|kiche",
  quy: "Ayacucho Quechua|quechua ayacuchano|quíchua de Ayacucho|quechua d’Ayacucho|quechua de ayacucho|quechua chanka|runasimi ayacuchano|chanka",
  quz: "Cusco Quechua|quechua cusqueño|quíchua de Cusco|quechua de Cuzco|quechua de cusco|quechua del cusco|quechua cuzqueño|cuzco quechua|runasimi cusqueño",
  rn: "Rundi|kirundi|rundi|kirundi",
  sc: "Sardinian|sardo|sardo|sarde",
  se: "Northern Sami|sami septentrional|sami do norte|same du Nord",
  sg: "Sango|sango|sango|sango",
  shp: "Shipibo-Konibo|shipibo-konibo|shipibo-konibo|shipibo-konibo|shipibo|shipibo-conibo|shipibo konibo",
  srn: "Sranan Tongo|sranan tongo|sranan tongo|sranan tongo",
  ss: "Swati|suazi|suázi|swati",
  tar: "Rarámuri (Tarahumara)|rarámuri (tarahumara)|rarámuri (tarahumara)|rarámuri (tarahumara)|rarámuri|raramuri|tarahumara|central tarahumara",
  ty: "Tahitian|tahitiano|taitiano|tahitien",
  vai: "Vai|vai|vai|vaï",
  ve: "Venda|venda|venda|venda",
  war: "Waray|waray|waray|waray",
  yua: "Yucatec Maya|maya yucateco|maia iucateque|maya yucatèque|maya",
  za: "Zhuang|zhuang|zhuang|zhuang",
};

/** Languages that others are varieties of, of which some have a code of their own that is offered. */
export const VARIETIES: Record<string, string[]> = { nah: ["nhe"], qu: ["quy", "quz"] };

/** What a language is called in one of the console's languages. */
export function ownName(speech: string, tag: string): string | undefined {
  return NAMES[tag]?.split("|")[SPEECHES.indexOf(speech)];
}

/** All the names of a language that are known here. */
export function everyName(tag: string): string[] {
  return NAMES[tag]?.split("|") ?? [];
}
