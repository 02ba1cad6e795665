package homeassistant

import (
	"encoding/json"
	"fmt"
	"slices"
	"strconv"
	"strings"

	"hogar/gateway/home"
)

// shorts are the words that devices shorten in the keys of their discovery.
var shorts = map[string]string{
	"act": "action", "t": "topic", "tpl": "template", "cmd": "command", "stat": "state", "av": "available", "avty": "availability",
	"bri": "brightness", "scl": "scale", "val": "value", "clr": "color", "cmps": "components", "curr": "current", "hum": "humidity",
	"dev": "device", "cla": "class", "dir": "direction", "e": "encoding", "ent": "entity", "cat": "category", "evt": "event", "typ": "types",
	"exp": "expire", "aft": "after", "frc": "force", "upd": "update", "fx": "effect", "ic": "icon", "init": "initial", "l": "latest",
	"ver": "version", "mirs": "mireds", "migr": "migrate", "discvry": "discovery", "o": "origin", "obj": "object", "off_dly": "off_delay",
	"dly": "delay", "ops": "options", "opt": "optimistic", "osc": "oscillation", "p": "platform", "pct": "percentage", "pl": "payload",
	"avail": "available", "cls": "close", "fwd": "forward", "rev": "reverse", "inst": "install", "prs": "press", "rst": "reset",
	"pr": "preset", "unlk": "unlock", "pos": "position", "clsd": "closed", "pow": "power", "ret": "retain", "spd": "speed", "rng": "range",
	"jam": "jammed", "stype": "subtype", "sup": "support", "hi": "high", "lo": "low", "uniq": "unique", "meas": "measurement",
	"cns": "connections", "ids": "identifiers", "mdl": "model", "mf": "manufacturer", "temp": "temperature", "attr": "attributes",
	"trns": "transition", "b": "blue", "g": "green", "r": "red", "ptrn": "pattern", "opnd": "opened", "def": "default",
}

// whole are the keys that are not shortened word by word.
var whole = map[string]string{
	"atype": "automation_type", "clrm": "color_mode", "en": "enabled_by_default", "max_temp": "max_temp", "min_temp": "min_temp",
	"temp_step": "temp_step", "pos": "reports_position", "sup_clrm": "supported_color_modes", "pl_toff": "payload_turn_off",
	"pl_ton": "payload_turn_on", "hum_cmd_t": "target_humidity_command_topic", "hum_cmd_tpl": "target_humidity_command_template",
	"hum_stat_t": "target_humidity_state_topic", "hum_state_tpl": "target_humidity_state_template",
	"act_stat_t": "activity_state_topic", "act_val_tpl": "activity_value_template",
	"clr_temp_k": "color_temp_kelvin", "min_k": "min_kelvin", "max_k": "max_kelvin", "img_t": "image_topic", "cod_arm_req": "code_arm_required",
	"cod_dis_req": "code_disarm_required", "cod_trig_req": "code_trigger_required", "whit_cmd_t": "white_command_topic", "whit_scl": "white_scale",
	"sup_feat": "supported_features", "fanspd_lst": "fan_speed_list", "pl_stpa": "payload_start_pause", "sug_dsp_prc": "suggested_display_precision",
	"rel_s": "release_summary", "pl_trig": "payload_trigger", "ent_pic": "entity_picture", "pl_loc": "payload_locate", "pl_ret": "payload_return_to_base",
	"tit": "title", "lrst_val_tpl": "last_reset_value_template", "lrst_t": "last_reset_topic", "flsh_tlng": "flash_time_long", "flsh": "flash",
	"flsh_tsht": "flash_time_short", "cont_type": "content_type", "sup_dur": "support_duration", "sup_vol": "support_volume_set",
	"dsp_prc": "display_precision", "img_e": "image_encoding", "rel_u": "release_url", "src_type": "source_type", "pl_arm_nite": "payload_arm_night",
	"tilt_inv_stat": "tilt_invert_state", "pl_arm_custom_b": "payload_arm_custom_bypass", "pl_paus": "payload_pause", "pl_strt": "payload_start",
	"pl_cln_sp": "payload_clean_spot", "sn": "serial_number", "cu": "configuration_url", "sa": "suggested_area",
	"clrm_stat_t": "color_mode_state_topic", "clrm_val_tpl": "color_mode_value_template", "sw": "sw_version", "hw": "hw_version",
}

// long writes a key out in full.
func long(key string) string {
	if full, ok := whole[key]; ok {
		return full
	}
	words := strings.Split(key, "_")
	for i, w := range words {
		full, ok := shorts[w]
		if !ok || w == "temp" && i > 0 && (words[i-1] == "clr" || words[i-1] == "color") {
			continue // color_temp stays
		}
		words[i] = full
	}
	return strings.Join(words, "_")
}

// config is what a discovery message says, with its keys written out.
type config map[string]any

// parse reads a discovery message.
func parse(payload []byte) (config, error) {
	var raw map[string]any
	if err := json.Unmarshal(payload, &raw); err != nil {
		return nil, home.Misread(err)
	}
	if raw == nil {
		return nil, fmt.Errorf("found null, expected an object")
	}
	return expand(raw, 0), nil
}

// expand writes the keys out, here and in the maps below that have such keys, and
// fills in the base topic.
func expand(raw map[string]any, depth int) config {
	c := make(config, len(raw))
	for key, v := range raw {
		full := long(key)
		switch v := v.(type) {
		case map[string]any:
			switch {
			case depth > 2:
			case full == "components":
				parts := make(map[string]any, len(v))
				for name, part := range v {
					if m, ok := part.(map[string]any); ok {
						part = expand(m, depth+1)
					}
					parts[name] = part
				}
				c[full] = parts
				continue
			case full == "device" || full == "origin" || full == "availability":
				c[full] = expand(v, depth+1)
				continue
			}
		case []any:
			if full == "availability" && depth <= 2 {
				list := make([]any, 0, len(v))
				for _, item := range v {
					if m, ok := item.(map[string]any); ok {
						list = append(list, expand(m, depth+1))
					}
				}
				c[full] = list
				continue
			}
		}
		if _, twice := c[full]; !twice || key == full {
			c[full] = v
		}
	}
	if base, ok := c["~"].(string); ok {
		c.fill(base)
	}
	return c
}

// fill puts the base topic where ~ stands, at the beginning or the end of a topic.
func (c config) fill(base string) {
	for key, v := range c {
		if s, ok := v.(string); ok && strings.HasSuffix(key, "topic") {
			if rest, ok := strings.CutPrefix(s, "~"); ok {
				s = base + rest
			}
			if rest, ok := strings.CutSuffix(s, "~"); ok {
				s = rest + base
			}
			c[key] = s
		}
	}
	list, _ := c["availability"].([]any)
	for _, item := range list {
		if one, ok := item.(config); ok {
			one.fill(base)
		}
	}
	if one, ok := c["availability"].(config); ok {
		one.fill(base)
	}
}

// text returns a value as Home Assistant writes it: true is True.
func (c config) text(key, byDefault string) string {
	v, ok := c[key]
	if !ok {
		return byDefault
	}
	switch v.(type) {
	case map[string]any, []any:
		if !strings.HasPrefix(key, "payload") && !strings.HasPrefix(key, "state_") {
			return ""
		}
		written, _ := json.Marshal(v) // a payload that is JSON and no text with it
		return string(written)
	}
	return textOf(v)
}

func textOf(v any) string {
	switch v := v.(type) {
	case string:
		return v
	case bool:
		if v {
			return "True"
		}
		return "False"
	case float64:
		return strconv.FormatFloat(v, 'f', -1, 64)
	}
	return ""
}

// bool reads true, "true" and "True".
func (c config) bool(key string, byDefault bool) bool {
	switch strings.ToLower(c.text(key, "")) {
	case "true", "yes", "on", "1":
		return true
	case "false", "no", "off", "0":
		return false
	}
	return byDefault
}

// number reads 5 and "5".
func (c config) number(key string, byDefault float64) float64 {
	f, err := strconv.ParseFloat(c.text(key, ""), 64)
	if err != nil || f != f || f > 1e300 || f < -1e300 {
		return byDefault
	}
	return f
}

// list reads a list of texts; a single one counts as a list of one.
func (c config) list(key string) []string {
	switch v := c[key].(type) {
	case string:
		return []string{v}
	case []any:
		var out []string
		for _, item := range v {
			if s := textOf(item); s != "" && !slices.Contains(out, s) {
				out = append(out, s)
			}
		}
		return out
	}
	return nil
}

// below returns the map at key; it may be nil.
func (c config) below(key string) config {
	m, _ := c[key].(config)
	return m
}
