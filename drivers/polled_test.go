package drivers

import (
	"context"
	"math"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"hogar/gateway/home"
)

func TestPolled(t *testing.T) {
	sense := func(values ...float64) ([]Reading, error) {
		dev, err := Polled{Part: guardedPart, More: []Part{{Pin: "GPIO4"}},
			Properties: []home.Property{Number("temperature", "°C", -40, 85), {Name: "noise", Type: home.TypeNumber}},
			Measure:    func(context.Context, Board) ([]float64, error) { return values, nil },
		}.Spec().Open(t.Context(), nil)
		if err != nil {
			t.Fatal(err)
		}
		defer dev.Close()
		return dev.(Sensor).Sense(t.Context())
	}
	for _, fine := range [][]float64{{-40, 0}, {85, 1e9}, {21, math.NaN()}} {
		readings, err := sense(fine...)
		if err != nil || len(readings) != 2 || readings[0].Value != home.NumberOf(fine[0]) || readings[1].Value != home.NumberOf(fine[1]) {
			t.Errorf("%v: %v, %v", fine, readings, err)
		}
	}
	for _, wrong := range []float64{-40.01, 85.01, math.Inf(1)} {
		if got, err := sense(wrong, 0); err == nil || !strings.Contains(err.Error(), "bme280 at 0x76 on I2C1") {
			t.Errorf("%v: %v, %v", wrong, got, err)
		}
	}
}

func TestPartString(t *testing.T) {
	got := []string{guardedPart.String(), Part{Chip: "relay", Pin: "GPIO17"}.String(), Part{Chip: "pwm", Kernel: "pwm/pwmchip0/1"}.String()}
	if diff := cmp.Diff([]string{"bme280 at 0x76 on I2C1", "relay at GPIO17", "pwm at pwm/pwmchip0/1"}, got); diff != "" {
		t.Error(diff)
	}
}

func TestRound(t *testing.T) {
	for _, one := range []struct {
		f      float64
		places int
		want   float64
	}{{21.3749, 2, 21.37}, {-0.0001, 2, 0}, {0.000125, 6, 0.000125}, {1234.5, 0, 1235}} {
		if got := Round(one.f, one.places); got != one.want {
			t.Errorf("Round(%v, %d) = %v", one.f, one.places, got)
		}
	}
}
