// Package configs holds the configurations that hogar is shipped with: complete
// and commented, to start from.
package configs

import _ "embed"

// Demo is the simulated home of hogar demo.
//
//go:embed demo.yaml
var Demo []byte

// DemoCatalog is the catalog of its MQTT devices.
//
//go:embed demo_catalog.yaml
var DemoCatalog []byte
