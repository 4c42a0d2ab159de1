// geo_info_from_ip_address() and geo_location().
#pragma once

#include "kql/places.h"
#include "node.h"

namespace capstan::kql {

// The names of the members of what comes out; an empty one is left out.
struct PlaceNames {
  std::string_view country, region, state, city, latitude, longitude;
};
constexpr PlaceNames kusto_place_names{"country", "", "state", "city", "latitude", "longitude"};
constexpr PlaceNames dcr_place_names{"Country", "Region", "State", "City", "Latitude", "Longitude"};

// `address` is a string. A bag of what is known; null where nothing is.
NodePtr make_place(std::shared_ptr<const Places> places, const PlaceNames& names, NodePtr address);

}  // namespace capstan::kql
